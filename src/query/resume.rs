//! Where a run goes on: a pure decision from the two logs.
//!
//! | newest in `offsets` | newest in `commits` | the run begins with                     |
//! |---------------------|---------------------|-----------------------------------------|
//! | none                | none                | epoch 0                                 |
//! | N                   | N                   | epoch N + 1, after the offsets of N     |
//! | N                   | N - 1               | epoch N again, with the offsets it had  |
//!
//! Anything else is a damaged checkpoint.

use crate::checkpoint::commit_log::CommitEntry;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::error::{Error, Result};
use crate::event_time::watermark::Watermark;

/// The newest entries of the two logs.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// The newest epoch in the offset log, with its entry.
    pub newest: Option<(u64, OffsetEntry)>,
    /// The entry before it.
    pub before: Option<OffsetEntry>,
    /// The newest epoch in the commit log, with its entry.
    pub committed: Option<(u64, CommitEntry)>,
}

/// Where a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResumePoint {
    /// The first epoch of the run.
    pub epoch: u64,
    /// What that epoch reads, if it was fixed before.
    pub fixed: Option<OffsetEntry>,
    /// The entry of the epoch before it.
    pub previous: Option<OffsetEntry>,
    /// The watermark that the epoch runs with.
    pub watermark: Watermark,
    /// The watermark of the epoch before it.
    pub late: Watermark,
}

/// Decides where a run goes on; `location` is the checkpoint, for messages.
///
/// # Errors
/// `Corrupt`, naming the missing file, for logs that do not fit each other.
pub fn resume(logs: Logs, location: &str) -> Result<ResumePoint> {
    let missing = |file: String, because: String| {
        Err(Error::corrupt(format!("{location}/{file}"), format!("it is missing, but {because}")))
    };
    let Some((newest, entry)) = logs.newest else {
        return match logs.committed {
            None => Ok(ResumePoint::default()),
            Some((done, _)) => {
                missing(format!("offsets/{done}"), format!("commits/{done} is there"))
            }
        };
    };
    let committed = logs.committed.as_ref().map(|(epoch, _)| *epoch);
    if committed == Some(newest) {
        let next = logs.committed.map_or(Watermark::NONE, |(_, commit)| commit.next_watermark);
        return Ok(ResumePoint {
            epoch: newest + 1,
            fixed: None,
            watermark: entry.watermark.max(next),
            late: entry.watermark,
            previous: Some(entry),
        });
    }
    match newest.checked_sub(1) {
        None if committed.is_none() => (),
        Some(before) if committed == Some(before) => {
            if logs.before.is_none() {
                let because = format!("offsets/{newest} is there and has to run again");
                return missing(format!("offsets/{before}"), because);
            }
        }
        _ => {
            let (file, because) = match committed {
                Some(done) if done > newest => {
                    (format!("offsets/{done}"), format!("commits/{done} is there"))
                }
                _ => {
                    let before = newest.saturating_sub(1);
                    (format!("commits/{before}"), format!("offsets/{newest} is there"))
                }
            };
            return missing(file, because);
        }
    }
    Ok(ResumePoint {
        epoch: newest,
        watermark: entry.watermark,
        late: logs.before.as_ref().map_or(Watermark::NONE, |before| before.watermark),
        fixed: Some(entry),
        previous: logs.before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(watermark: i64) -> OffsetEntry {
        OffsetEntry { watermark: Watermark::from_millis(watermark), ..OffsetEntry::default() }
    }

    fn commit(next: i64) -> CommitEntry {
        CommitEntry { next_watermark: Watermark::from_millis(next), ..CommitEntry::default() }
    }

    #[test]
    fn an_empty_checkpoint_begins_with_epoch_0() {
        assert_eq!(resume(Logs::default(), "c").unwrap(), ResumePoint::default());
    }

    #[test]
    fn after_a_committed_epoch_comes_the_next_with_its_watermark() {
        let logs = Logs {
            newest: Some((3, offsets(10))),
            before: Some(offsets(5)),
            committed: Some((3, commit(20))),
        };
        let point = resume(logs, "c").unwrap();
        assert_eq!((point.epoch, point.fixed), (4, None));
        assert_eq!((point.watermark.as_millis(), point.late.as_millis()), (20, 10));
    }

    #[test]
    fn an_uncommitted_epoch_runs_again_as_it_was() {
        let logs = Logs {
            newest: Some((3, offsets(10))),
            before: Some(offsets(5)),
            committed: Some((2, commit(10))),
        };
        let point = resume(logs, "c").unwrap();
        assert_eq!((point.epoch, point.fixed), (3, Some(offsets(10))));
        assert_eq!((point.watermark.as_millis(), point.late.as_millis()), (10, 5));
    }

    #[test]
    fn logs_that_do_not_fit_name_the_missing_file() {
        let error = |newest, before, committed| {
            resume(Logs { newest, before, committed }, "c").unwrap_err().to_string()
        };
        let text = error(Some((3, offsets(0))), None, Some((2, commit(0))));
        assert!(text.contains("`c/offsets/2`"), "{text}");
        let text = error(Some((3, offsets(0))), Some(offsets(0)), Some((1, commit(0))));
        assert!(text.contains("`c/commits/2`"), "{text}");
        let text = error(None, None, Some((1, commit(0))));
        assert!(text.contains("`c/offsets/1`"), "{text}");
        let text = error(Some((1, offsets(0))), Some(offsets(0)), Some((4, commit(0))));
        assert!(text.contains("`c/offsets/4`"), "{text}");
    }
}
