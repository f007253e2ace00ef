//! The run before this one on the same checkpoint: whether it may still be there, and what this run
//! does otherwise.
//!
//! A run is told what it takes over, since two that are meant to run are a mistake, and what changed,
//! since rows of another place are not those that the checkpoint speaks of. Neither stops it: the
//! fence keeps two runs apart, and a change may be meant.

use std::path::Path;
use std::sync::LazyLock;

use uuid::Uuid;

use crate::checkpoint::claim::{Claim, Places, Process, RunEntry};
use crate::checkpoint::layout::Checkpoint;
use crate::error::{Error, Result};
use crate::event_time::timestamp::iso_millis;

/// Another one for each process.
static INSTANCE: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().to_string());

/// This process.
pub(super) fn this_process() -> Process {
    let host = hostname::get().map(|name| name.to_string_lossy().into_owned());
    Process {
        pid: std::process::id(),
        host: host.unwrap_or_else(|_no_name| "unknown".to_owned()),
        instance: INSTANCE.clone(),
    }
}

/// The newest run on a checkpoint.
#[derive(Debug)]
pub(super) struct PreviousRun {
    number: u64,
    entry: RunEntry,
    has_ended: bool,
}

impl PreviousRun {
    /// The newest run on a checkpoint. What cannot be read counts as none: the entry is for people.
    ///
    /// # Errors
    /// `Storage`.
    pub(super) async fn find(checkpoint: &Checkpoint) -> Result<Option<Self>> {
        let (number, entry) = match Claim::newest(checkpoint).await {
            Ok(Some(newest)) => newest,
            Ok(None) => return Ok(None),
            Err(Error::Corrupt { path, reason }) => {
                tracing::warn!(path, reason, "what the run before says cannot be read");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let has_ended = Claim::has_ended(checkpoint, number).await?;
        Ok(Some(Self { number, entry, has_ended }))
    }

    /// Who may still run, if that is not known to have ended.
    fn running(&self) -> Option<&Process> {
        let process = self.entry.process.as_ref().filter(|_| !self.has_ended)?;
        may_run(process, &this_process()).then_some(process)
    }

    /// Says that the run is taken over, or refuses to.
    ///
    /// # Errors
    /// `Invalid` when it may still be there and must not be replaced.
    pub(super) fn take_over(&self, checkpoint: &Checkpoint, is_allowed: bool) -> Result<()> {
        let Some(process) = self.running() else { return Ok(()) };
        let who = format!(
            "run {} of checkpoint `{}` (process {} on `{}`, started {}), which has not said that it \
             ended",
            self.number,
            checkpoint.location().given,
            process.pid,
            process.host,
            iso_millis(self.entry.timestamp)
        );
        if is_allowed {
            tracing::warn!(
                "this run replaces {who}: if it still runs, it stops at its next commit"
            );
            return Ok(());
        }
        Err(Error::invalid(format!(
            "this run would replace {who}; stop that one first, or allow it by `SET {} = true` or \
             without `--no-takeover`",
            crate::config::TAKEOVER
        )))
    }

    /// What is not as it was, a sentence for each change.
    pub(super) fn changes(&self, now: &Places) -> Vec<String> {
        self.entry.places.as_ref().map_or_else(Vec::new, |before| changes(before, now))
    }
}

/// Whether a process may still be there, as far as this one can tell.
fn may_run(process: &Process, this: &Process) -> bool {
    if process.host != this.host {
        return true;
    }
    if process.pid == this.pid {
        return process.instance == this.instance;
    }
    // Only where the system lists its processes in a folder can it be told that one has gone.
    let listed = Path::new("/proc");
    !listed.join("self").exists() || listed.join(process.pid.to_string()).exists()
}

fn changes(before: &Places, now: &Places) -> Vec<String> {
    let mut changes = Vec::new();
    for (name, old) in &before.sources {
        if let Some(new) = now.sources.get(name).filter(|new| *new != old) {
            changes.push(format!(
                "source `{name}` read `{old}` and reads `{new}` now: what it has not read there is \
                 left, and files here are new to it unless they have the same path"
            ));
        }
    }
    if before.sink != now.sink {
        changes.push(format!(
            "the sink was `{}` and is `{}` now: the rows of the epochs before stay where they are",
            before.sink, now.sink
        ));
    }
    if before.columns != now.columns {
        changes.push(format!(
            "the sink got the columns `{}` and gets `{}` now: the rows of the epochs before stay as \
             they are",
            before.columns, now.columns
        ));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, host: &str, instance: &str) -> Process {
        Process { pid, host: host.to_owned(), instance: instance.to_owned() }
    }

    #[test]
    fn a_process_is_there_unless_it_is_known_to_have_gone() {
        let this = this_process();
        assert!(may_run(&this, &this));
        assert!(may_run(&process(1, "another machine", ""), &this));
        // A process that began anew, as in a container, has the number of the one before.
        assert!(!may_run(&process(this.pid, &this.host, "before"), &this));
        if Path::new("/proc/self").exists() {
            assert!(!may_run(&process(u32::MAX, &this.host, ""), &this));
        }
    }

    #[test]
    fn each_change_is_told() {
        let places = |source: &str, sink: &str, columns: &str| Places {
            sources: [("json-0".to_owned(), source.to_owned())].into(),
            sink: sink.to_owned(),
            columns: columns.to_owned(),
        };
        let before = places("file:///in", "FileSink[file:///out]", "v bigint");
        assert!(changes(&before, &before).is_empty());
        let told = changes(&before, &places("file:///new", "FileSink[file:///out]", "v string"));
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("source `json-0` read `file:///in` and reads `file:///new`"));
        assert!(told[1].starts_with("the sink got the columns `v bigint` and gets `v string`"));
        assert_eq!(changes(&before, &places("file:///in", "MemorySink", "v bigint")).len(), 1);
    }
}
