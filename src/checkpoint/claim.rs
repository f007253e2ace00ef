//! The fence: which run of a query owns its checkpoint.
//!
//! ```text
//! runs/7      v1
//!             {"runId":"0b6e...","timestamp":1700000000000}
//! ```
//!
//! Run 7 owns the checkpoint until `runs/8` appears; a look at that one name is all that a check
//! costs. For this the files stay for ever: were `runs/8` removed after many more starts, a run 7
//! that slept through them would take itself for the owner again.

use serde::{Deserialize, Serialize};

use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::log_file;
use crate::checkpoint::metadata_log::MetadataLog;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEntry {
    /// The id of the run.
    pub run_id: String,
    /// When it started, milliseconds since 1970 in UTC.
    pub timestamp: i64,
}

impl Claim {
    /// Claims the checkpoint for a new run, with a number one above the last.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn take(checkpoint: Checkpoint, run_id: &str, now_millis: i64) -> Result<Self> {
        let entry = RunEntry { run_id: run_id.to_owned(), timestamp: now_millis };
        let runs = MetadataLog::new(checkpoint.runs());
        let mut run = runs.latest().await?.map_or(0, |newest| newest + 1);
        loop {
            match runs.add(run, &entry).await {
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
