//! What a checkpoint says, for people: nothing is started, claimed or written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checkpoint::claim::Claim;
use crate::checkpoint::commit_log::{CommitEntry, StateCommit};
use crate::checkpoint::id::OperatorId;
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::query_metadata::QueryMetadata;
use crate::connector::offset::Offset;
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::event_time::timestamp::iso_millis;
use crate::query::resume::resume;
use crate::query::start::read_logs;
use crate::state::inspect::{PartitionSummary, summarize};
use crate::state::schema::OperatorStateSchema;

/// How often a checkpoint is read again that a running query changed meanwhile.
const ATTEMPTS: usize = 5;

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointSummary {
    /// The folder.
    pub location: String,
    /// The id of the query.
    pub id: String,
    /// The version of the checkpoint's layout.
    pub format_version: u32,
    /// The newest run.
    pub run: Option<RunSummary>,
    /// The oldest epoch in the offset log.
    pub oldest_epoch: Option<u64>,
    /// The newest epoch that is done.
    pub committed_epoch: Option<u64>,
    /// The epoch whose offsets are fixed and that is not done.
    pub in_flight_epoch: Option<u64>,
    /// The watermark of the next epoch: ISO-8601 in UTC; none while it stands at 1970.
    pub watermark: Option<String>,
    /// How far the sources are read, by name.
    pub sources: Vec<SourceSummary>,
    /// The tables that the stream is joined with, each with the epoch since which it has been as
    /// the newest epoch reads it.
    #[serde(default)]
    pub tables: BTreeMap<String, u64>,
    /// The state after the newest epoch that is done.
    pub operators: Vec<OperatorSummary>,
}

/// A run of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// How many runs there were.
    pub runs: u64,
    /// The id of the newest.
    pub run_id: String,
    /// When it started: ISO-8601 in UTC.
    pub started: String,
}

/// How far a source is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceSummary {
    /// The name of the source.
    pub name: String,
    /// How far the epochs that are done have read.
    pub committed: Option<Offset>,
    /// How far the epoch in flight reads.
    pub in_flight: Option<Offset>,
}

/// The state of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorSummary {
    /// The operator.
    pub id: String,
    /// What it stores.
    pub schema: OperatorStateSchema,
    /// The partitions.
    pub partitions: Vec<PartitionSummary>,
}

impl OperatorSummary {
    /// How many keys have a row.
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.rows).sum()
    }

    /// The bytes of the files that make up the state.
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.bytes).sum()
    }
}

/// Reads the checkpoint in this folder, also while its query runs.
///
/// # Errors
/// `NotFound` where there is none; `Corrupt`, naming the file, for what is damaged; `Storage`.
pub async fn inspect(location: &Location) -> Result<CheckpointSummary> {
    let mut attempt = 1;
    loop {
        let before = newest_commit(location).await?;
        let read = Box::pin(read(location)).await;
        // What was being read may have been removed because a newer epoch replaced it.
        if read.is_ok() || attempt == ATTEMPTS || newest_commit(location).await? == before {
            return read;
        }
        attempt += 1;
    }
}

async fn newest_commit(location: &Location) -> Result<Option<u64>> {
    Checkpoint::new(location.clone()).commits().latest().await
}

async fn read(location: &Location) -> Result<CheckpointSummary> {
    let checkpoint = Checkpoint::new(location.clone());
    let Some(metadata) = QueryMetadata::load(&checkpoint).await? else {
        return Err(Error::NotFound {
            what: "checkpoint in folder",
            name: location.given.clone(),
            nearest: None,
        });
    };
    let (offsets, commits) = (checkpoint.offsets(), checkpoint.commits());
    offsets.check_contiguous().await?;
    commits.check_contiguous().await?;
    let logs = read_logs(&checkpoint).await?;
    let point = resume(logs.clone(), &location.given)?;
    let run = Claim::newest(&checkpoint).await?.map(|(number, run)| RunSummary {
        runs: number + 1,
        run_id: run.run_id,
        started: iso_millis(run.timestamp),
    });
    let in_flight = point.fixed.as_ref();
    let done = point.previous.as_ref();
    let names = in_flight.or(done).into_iter().flat_map(|entry| entry.sources.keys());
    let offset = |entry: &crate::checkpoint::offset_log::OffsetEntry, name: &String| {
        entry.sources.get(name).cloned().flatten()
    };
    let sources = names.map(|name| SourceSummary {
        name: name.clone(),
        committed: done.and_then(|entry| offset(entry, name)),
        in_flight: in_flight.and_then(|entry| offset(entry, name)),
    });
    let sources = sources.collect();
    let tables = in_flight.or(done).map(|entry| entry.tables.clone()).unwrap_or_default();
    let next = logs.committed.as_ref().map(|(_, commit)| commit.next_watermark.as_millis());
    Ok(CheckpointSummary {
        location: location.given.clone(),
        id: metadata.id,
        format_version: metadata.format_version,
        run,
        oldest_epoch: offsets.epochs().await?.first().copied(),
        committed_epoch: logs.committed.as_ref().map(|(epoch, _)| *epoch),
        in_flight_epoch: in_flight.map(|_entry| point.epoch),
        watermark: next.filter(|millis| *millis != 0).map(iso_millis),
        sources,
        tables,
        operators: operators(&checkpoint, logs.committed.as_ref().map(|(_, commit)| commit))
            .await?,
    })
}

async fn operators(
    checkpoint: &Checkpoint,
    commit: Option<&CommitEntry>,
) -> Result<Vec<OperatorSummary>> {
    let mut operators = Vec::new();
    for (id, commits) in commit.into_iter().flat_map(|commit| &commit.state) {
        operators.push(operator(checkpoint, id, commits).await?);
    }
    Ok(operators)
}

async fn operator(
    checkpoint: &Checkpoint,
    id: &OperatorId,
    commits: &[StateCommit],
) -> Result<OperatorSummary> {
    let folder = checkpoint.state(id);
    let schema = OperatorStateSchema::load(&folder).await?.ok_or_else(|| {
        Error::corrupt(folder.child("schema").given, "it is missing, though the state is there")
    })?;
    let mut partitions = Vec::with_capacity(commits.len());
    for commit in commits {
        partitions.push(summarize(&folder, commit, schema.key.len()).await?);
    }
    Ok(OperatorSummary { id: id.0.clone(), schema, partitions })
}
