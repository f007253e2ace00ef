//! The fence: which run of a query owns its checkpoint.
//!
//! ```text
//! runs/7        v1
//!               {"runId":"0b6e...","timestamp":1700000000000,"process":{...},"places":{...}}
//! runs/7.ended  v1
//! ```
//!
//! Run 7 owns the checkpoint until `runs/8` appears; a look at that one name is all that a check
//! costs. For this the files stay for ever: were `runs/8` removed after many more starts, a run 7
//! that slept through them would take itself for the owner again.
//!
//! All else is for people: who runs, from where to where, and that a run has ended. A run that was
//! killed does not say so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::log_file;
use crate::checkpoint::metadata_log::MetadataLog;
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// A run's claim on a checkpoint: `runs/<n>`, created when the run started.
///
/// The newest claim owns the checkpoint. A run checks that it still is the newest before each sink
/// commit and each `commits/N`, and stops when it is not.
#[derive(Debug, Clone)]
pub struct Claim {
    checkpoint: Checkpoint,
    run: u64,
}

/// What `runs/<n>` says, for people: the number alone is the claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEntry {
    /// The id of the run.
    pub run_id: String,
    /// When it started, milliseconds since 1970 in UTC.
    pub timestamp: i64,
    /// The process that runs it; runs of older releases do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Where its rows come from and go to; runs of older releases do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Places>,
}

/// A process on some machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number on the machine.
    pub pid: u32,
    /// The name of the machine.
    pub host: String,
    /// Another one for each process, since numbers come again.
    pub instance: String,
}

/// Where the rows of a run come from and go to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Places {
    /// The place that each source reads, by the name of the source; those that have one.
    pub sources: BTreeMap<String, String>,
    /// The sink with its place, such as `FileSink[file:///out]`.
    pub sink: String,
    /// The columns that the sink gets, such as `v bigint, name string`.
    pub columns: String,
}

impl Claim {
    /// Claims the checkpoint for a new run, with a number one above the last.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn take(checkpoint: Checkpoint, entry: &RunEntry) -> Result<Self> {
        let runs = MetadataLog::new(checkpoint.runs());
        let mut run = runs.latest().await?.map_or(0, |newest| newest + 1);
        loop {
            match runs.add(run, entry).await {
                Ok(()) => return Ok(Self { checkpoint, run }),
                // Another run started at the same time; the later number owns the checkpoint.
                Err(Error::AlreadyExists { .. }) => run += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// The newest claim on a checkpoint, with its number, if there is one.
    ///
    /// # Errors
    /// `Corrupt` for one that cannot be read; `Storage`.
    pub async fn newest(checkpoint: &Checkpoint) -> Result<Option<(u64, RunEntry)>> {
        let runs = MetadataLog::new(checkpoint.runs());
        let Some(newest) = runs.latest().await? else { return Ok(None) };
        Ok(runs.get(newest).await?.map(|entry| (newest, entry)))
    }

    /// Whether the run with this number has said that it ended.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn has_ended(checkpoint: &Checkpoint, run: u64) -> Result<bool> {
        log_file::exists(&ended(checkpoint, run)).await
    }

    /// Says that the run has ended.
    ///
    /// # Errors
    /// `Storage`; `AlreadyExists` when it said so before.
    pub async fn end(&self) -> Result<()> {
        let file = ended(&self.checkpoint, self.run);
        let text = log_file::render::<RunEntry>(&[], &file)?;
        log_file::create(&file, text).await
    }

    /// The number of the run, from 0.
    pub const fn run(&self) -> u64 {
        self.run
    }

    /// Checks that no newer run has claimed the checkpoint.
    ///
    /// # Errors
    /// `Fenced` when one has; `Storage`.
    pub async fn check(&self) -> Result<()> {
        let runs = self.checkpoint.runs();
        let next = self.run + 1;
        if !log_file::exists(&runs.child(&next.to_string())).await? {
            return Ok(());
        }
        // It is known who lost; the listing only tells who won.
        let newest = MetadataLog::<RunEntry>::new(runs).latest().await.ok().flatten();
        Err(Error::Fenced {
            location: self.checkpoint.location().given.clone(),
            run: newest.map_or(next, |newest| newest.max(next)),
        })
    }
}

/// The file by which a run says that it has ended.
fn ended(checkpoint: &Checkpoint, run: u64) -> Location {
    checkpoint.runs().child(&format!("{run}.ended"))
}
