//! The promises of [`StateStore`], each as a function that a provider's tests run.
//!
//! The stores under test have the key (`user` BIGINT, `at` TIMESTAMP, the event time) and the value
//! (`count` BIGINT).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use async_trait::async_trait;

use crate::checkpoint::commit_log::StateCommit;
use crate::checkpoint::id::StateVersion;
use crate::error::Result;
use crate::event_time::timestamp::EventTime;
use crate::state::schema::{StateSchema, TimeColumn};
use crate::state::store::{Absent, Found, Keys, ScanCursor, StateStore};

/// A key of the stores under test: the user, and the event time in microseconds.
pub type Key = (i64, Option<i64>);

/// What a provider has to do for its tests.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens the one store under test, of [`schema`], at a version.
    async fn open(&self, version: u64) -> Result<Arc<dyn StateStore>>;

    /// Notes in the commit log that a version is made of this.
    async fn record(&self, version: StateVersion, commit: StateCommit) -> Result<()>;

    /// Forgets what is in memory, as a crash does.
    async fn forget(&self);
}

/// The schema of the stores under test.
pub fn schema() -> StateSchema {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    StateSchema {
        key: Arc::new(Schema::new(vec![
            Field::new("user", DataType::Int64, false),
            Field::new("at", time, true),
        ])),
        value: Arc::new(Schema::new(vec![Field::new("count", DataType::Int64, false)])),
        time: Some(TimeColumn::Timestamp(1)),
    }
}

/// Key columns.
pub fn keys(keys: &[Key]) -> Vec<ArrayRef> {
    let users: Int64Array = keys.iter().map(|(user, _)| Some(*user)).collect();
    let times: TimestampMicrosecondArray = keys.iter().map(|(_, time)| *time).collect();
    vec![Arc::new(users), Arc::new(times.with_timezone("UTC"))]
}

/// Value columns.
pub fn values(values: &[i64]) -> Vec<ArrayRef> {
    vec![Arc::new(Int64Array::from(values.to_vec()))]
}

/// Puts rows.
///
/// # Errors
/// Those of [`StateStore::locate`] and [`StateStore::write`].
pub fn put(store: &dyn StateStore, rows: &[(Key, i64)]) -> Result<()> {
    let (names, counts): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
    put_columns(store, &keys(&names), &values(&counts))
}

/// Puts rows of any schema.
///
/// # Errors
/// Those of [`StateStore::locate`] and [`StateStore::write`].
pub fn put_columns(store: &dyn StateStore, keys: &[ArrayRef], values: &[ArrayRef]) -> Result<()> {
    let entries = store.locate(&all(keys), Absent::Make)?;
    store.write(&entries, values)
}

/// Reads the rows of keys.
///
/// # Errors
/// Those of [`StateStore::locate`] and [`StateStore::read`].
pub fn get(store: &dyn StateStore, keys: &[ArrayRef]) -> Result<Found> {
    store.read(&store.locate(&all(keys), Absent::Skip)?)
}

/// Removes the rows of keys.
///
/// # Errors
/// Those of [`StateStore::locate`] and [`StateStore::remove`].
pub fn remove(store: &dyn StateStore, keys: &[ArrayRef]) -> Result<()> {
    store.remove(&store.locate(&all(keys), Absent::Skip)?)
}

/// Evicts all rows up to a time in microseconds, in batches of `size`.
///
/// # Errors
/// Those of [`StateStore::evict`].
pub fn evict(store: &dyn StateStore, until: i64, size: usize) -> Result<Vec<RecordBatch>> {
    let mut batches = vec![];
    while let Some(batch) = store.evict(EventTime::from_micros(until), size)? {
        batches.push(batch);
    }
    Ok(batches)
}

/// Keys of these columns; without columns there is one.
fn all(keys: &[ArrayRef]) -> Keys<'_> {
    Keys::new(keys, keys.first().map_or(1, |column| column.len()))
}

/// All rows of a store, read in batches of `size`.
///
/// # Errors
/// Those of [`StateStore::scan`].
pub fn rows(store: &dyn StateStore, size: usize) -> Result<BTreeMap<Key, i64>> {
    let mut cursor = ScanCursor::default();
    let mut all = BTreeMap::new();
    while let Some(batch) = store.scan(&mut cursor, size)? {
        for (key, count) in rows_of(&batch) {
            assert_eq!(all.insert(key, count), None, "{key:?} was given twice");
        }
    }
    Ok(all)
}

/// The rows of a batch of key columns and value columns.
pub fn rows_of(batch: &RecordBatch) -> Vec<(Key, i64)> {
    let users = batch.column(0).as_primitive::<Int64Type>();
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
    let counts = batch.column(2).as_primitive::<Int64Type>();
    (0..batch.num_rows())
        .map(|row| {
            let time = times.is_valid(row).then(|| times.value(row));
            ((users.value(row), time), counts.value(row))
        })
        .collect()
}

/// Commits a store and notes it in the commit log.
///
/// # Errors
/// Those of [`StateStore::commit`] and [`Harness::record`].
pub async fn commit(harness: &dyn Harness, store: &dyn StateStore) -> Result<StateCommit> {
    let commit = store.commit().await?;
    harness.record(store.version().next(), commit.clone()).await?;
    Ok(commit)
}

fn of<const N: usize>(rows: [(Key, i64); N]) -> BTreeMap<Key, i64> {
    BTreeMap::from(rows)
}

/// Rows that were put are found, in the order of the keys that are asked for, and no others.
///
/// # Errors
/// Those of the store.
pub async fn found_rows_keep_the_order_of_their_keys(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    put(&*store, &[((1, None), 10), ((2, Some(5)), 20), ((3, Some(5)), 30)])?;
    let found = get(&*store, &keys(&[(3, Some(5)), (1, Some(5)), (9, None), (1, None)]))?;
    assert_eq!(found.positions.values(), &[0, 3]);
    assert_eq!(found.values[0].as_primitive::<Int64Type>().values(), &[30, 10]);
    let none = get(&*store, &keys(&[(7, None)]))?;
    assert_eq!((none.positions.len(), none.values.len(), none.values[0].len()), (0, 1, 0));
    Ok(())
}

/// The later value of a key wins, within a call and between calls.
///
/// # Errors
/// Those of the store.
pub async fn a_later_value_replaces_an_earlier_one(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    put(&*store, &[((1, None), 1), ((2, None), 2), ((1, None), 3)])?;
    assert_eq!(rows(&*store, 10)?, of([((1, None), 3), ((2, None), 2)]));
    put(&*store, &[((2, None), 4)])?;
    assert_eq!(rows(&*store, 10)?, of([((1, None), 3), ((2, None), 4)]));
    let metrics = store.metrics();
    assert_eq!((metrics.rows_total, metrics.rows_updated, metrics.rows_removed), (2, 2, 0));
    Ok(())
}

/// Removed keys are gone, keys that are not there are passed over, a removed key can be put again.
///
/// # Errors
/// Those of the store.
pub async fn removed_rows_are_gone(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    put(&*store, &[((1, None), 1), ((2, None), 2)])?;
    remove(&*store, &keys(&[(1, None), (7, None), (1, None)]))?;
    assert_eq!(rows(&*store, 10)?, of([((2, None), 2)]));
    assert_eq!(store.metrics().rows_removed, 1);
    put(&*store, &[((1, None), 3)])?;
    assert_eq!(rows(&*store, 10)?, of([((1, None), 3), ((2, None), 2)]));
    Ok(())
}

/// Eviction removes rows up to a time and including it, gives them back in batches, and leaves
/// rows without a time alone.
///
/// # Errors
/// Those of the store.
pub async fn eviction_gives_back_what_it_removes(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    let due = [((1, Some(-7)), 1), ((2, Some(5)), 2), ((3, Some(5)), 3)];
    let kept = [((4, Some(6)), 4), ((5, None), 5)];
    put(&*store, &due)?;
    put(&*store, &kept)?;
    let batches = evict(&*store, 5, 2)?;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(batches.iter().flat_map(rows_of).collect::<BTreeMap<_, _>>(), of(due));
    assert_eq!(rows(&*store, 10)?, of(kept));
    assert!(evict(&*store, 5, 2)?.is_empty());
    Ok(())
}

/// A scan gives each row once while rows that it gave are changed.
///
/// # Errors
/// Those of the store.
pub async fn a_scan_stands_changes_of_rows_it_gave(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    let all: Vec<_> = (0..10).map(|user| ((user, None), user)).collect();
    put(&*store, &all)?;
    let (mut cursor, mut seen) = (ScanCursor::default(), vec![]);
    while let Some(batch) = store.scan(&mut cursor, 3)? {
        let given = rows_of(&batch);
        let changed: Vec<_> = given.iter().map(|(key, count)| (*key, count + 100)).collect();
        put(&*store, &changed)?;
        seen.extend(given);
    }
    seen.sort_unstable();
    assert_eq!(seen, all);
    Ok(())
}

/// A committed version is there after a crash; later changes are not in it.
///
/// # Errors
/// Those of the store.
pub async fn a_committed_version_survives(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    put(&*store, &[((1, None), 1), ((2, Some(5)), 2), ((1, None), 3)])?;
    commit(harness, &*store).await?;
    let store = harness.open(1).await?;
    remove(&*store, &keys(&[(1, None)]))?;
    put(&*store, &[((3, Some(9)), 3)])?;
    commit(harness, &*store).await?;
    harness.forget().await;
    let store = harness.open(2).await?;
    assert_eq!(rows(&*store, 10)?, of([((2, Some(5)), 2), ((3, Some(9)), 3)]));
    assert_eq!(evict(&*store, 5, 10)?.len(), 1);
    assert_eq!(rows(&*harness.open(1).await?, 10)?, of([((1, None), 3), ((2, Some(5)), 2)]));
    Ok(())
}

/// An aborted store is what it was when it was opened, whether it was committed or not.
///
/// # Errors
/// Those of the store.
pub async fn an_abort_undoes_everything(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    let before = [((1, Some(1)), 1), ((2, Some(2)), 2), ((3, None), 3)];
    put(&*store, &before)?;
    commit(harness, &*store).await?;
    for committed in [false, true] {
        let store = harness.open(1).await?;
        put(&*store, &[((1, Some(1)), 9), ((4, Some(1)), 4)])?;
        remove(&*store, &keys(&[(3, None)]))?;
        assert_eq!(evict(&*store, 2, 10)?.len(), 1);
        put(&*store, &[((2, Some(2)), 8)])?;
        if committed {
            store.commit().await?;
        }
        store.abort();
        assert_eq!(rows(&*store, 10)?, of(before));
        assert_eq!((store.metrics().rows_updated, store.metrics().rows_removed), (0, 0));
        let store = harness.open(1).await?;
        let evicted = evict(&*store, 1, 10)?;
        assert_eq!(evicted.iter().flat_map(rows_of).collect::<Vec<_>>(), [((1, Some(1)), 1)]);
        store.abort();
    }
    Ok(())
}

/// Opening a version again gives the same store; when it was dropped or committed, one without
/// the changes.
///
/// # Errors
/// Those of the store.
pub async fn an_opening_is_shared_until_it_ends(harness: &dyn Harness) -> Result<()> {
    let (one, two) = (harness.open(0).await?, harness.open(0).await?);
    assert!(Arc::ptr_eq(&one, &two));
    put(&*one, &[((1, None), 1)])?;
    assert_eq!(rows(&*two, 10)?.len(), 1);
    drop((one, two));
    let store = harness.open(0).await?;
    assert!(rows(&*store, 10)?.is_empty());
    put(&*store, &[((2, None), 2)])?;
    let first = store.commit().await?;
    assert_eq!(store.commit().await?, first);
    assert!(put(&*store, &[((3, None), 3)]).is_err());
    let again = harness.open(0).await?;
    assert!(rows(&*again, 10)?.is_empty());
    assert!(get(&*store, &keys(&[(2, None)])).is_err(), "its turn is over");
    Ok(())
}

/// Columns that do not fit are refused, and a store that failed commits nothing.
///
/// # Errors
/// Those of the store.
pub async fn columns_that_do_not_fit_are_refused(harness: &dyn Harness) -> Result<()> {
    let store = harness.open(0).await?;
    assert!(get(&*store, &values(&[1])).is_err());
    assert!(put_columns(&*store, &keys(&[(1, None)]), &values(&[1, 2])).is_err());
    assert!(store.commit().await.is_err());
    store.abort();
    put(&*store, &[((1, None), 1)])?;
    assert_eq!(commit(harness, &*store).await?.files.len(), 1);
    Ok(())
}
