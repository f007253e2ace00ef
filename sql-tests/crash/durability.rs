//! A killed process cannot show whether its files would have outlived a loss of power, so the
//! calls that make them durable are counted.

use std::sync::Arc;

use millstream::checkpoint::storage::LocalStorage;
use millstream::config::Trigger;
use millstream::testing::fault::{Faults, FaultyStorage, WriteKind};

use crate::crash::subject::{Sink, Subject};
use crate::outcome::{Fallible, Outcome, ensure};

/// In every step each file that is written is synced, and so is the folder that has its name.
pub(super) async fn every_write_is_synced() -> Fallible<Outcome> {
    let subject = Subject::without_files(Sink::Files)?;
    let (local, faults) = (LocalStorage::new(), Faults::new());
    let storage = FaultyStorage::new(Arc::new(local.clone()), faults.clone());
    let query = subject.start(Arc::new(storage), Trigger::default()).await?;
    let mut before = local.sync_stats();
    faults.clear();
    while subject.add_file()? {
        query.process_all_available().await?;
        let now = local.sync_stats();
        let writes = faults.writes();
        let written = writes.iter().filter(|write| write.kind != WriteKind::Delete).count() as u64;
        let (files, folders) = (now.files - before.files, now.folders - before.folders);
        // An epoch writes the log of the source, the offset log, a changelog for each of two
        // partitions, and the commit log; with rows also a file and the log of the sink.
        ensure(written >= 5, || format!("only {written} files were written: {writes:?}"))?;
        ensure(files >= written, || {
            format!("{written} files were written, and {files} synced: {writes:?}")
        })?;
        ensure(folders >= written, || {
            format!("{written} files were written, and {folders} folders synced: {writes:?}")
        })?;
        before = now;
        faults.clear();
    }
    query.stop().await?;
    Ok(Outcome::Passed)
}
