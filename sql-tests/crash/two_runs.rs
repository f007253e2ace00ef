//! Two runs of one query at once: the older stops, and nothing is written twice.

use std::sync::Arc;

use millstream::ErrorKind;
use millstream::checkpoint::storage::LocalStorage;
use millstream::config::Trigger;

use crate::crash::subject::{Sink, Subject};
use crate::outcome::{Fallible, Outcome, ensure};

/// Starts a second run while the first waits for data.
pub(super) async fn older_is_fenced() -> Fallible<Outcome> {
    let expected = Subject::undisturbed(Sink::Files).await?;
    let subject = Subject::without_files(Sink::Files)?;
    subject.add_file()?;
    let older = subject.start(Arc::new(LocalStorage::new()), Trigger::default()).await?;
    older.process_all_available().await?;
    let newer = subject.start(Arc::new(LocalStorage::new()), Trigger::default()).await?;
    while subject.add_file()? {}
    subject.add_last_file()?;
    // Both are awake now and see the same files.
    let (from_older, from_newer) =
        tokio::join!(older.process_all_available(), newer.process_all_available());
    from_newer?;
    let error = from_older.err().ok_or("the older run did not stop")?;
    ensure(error.kind() == ErrorKind::Fenced, || {
        format!("the older run failed with the kind {:?}: {error}", error.kind())
    })?;
    ensure(!older.is_active(), || "the older run is still active".to_owned())?;
    newer.stop().await?;
    let rows = subject.rows().await?;
    ensure(rows == expected, || {
        format!("the rows differ\nexpected: {expected:?}\ngot:      {rows:?}")
    })?;
    Ok(Outcome::Passed)
}
