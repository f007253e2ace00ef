//! Memory: space that is used again, pools that have no more, shapes of keys and values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take_arrays;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, TimeUnit};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool, UnboundedMemoryPool};

use crate::error::ErrorKind;
use crate::state::conformance::{
    Harness, evict, get, keys, put, put_columns, remove, rows, schema,
};
use crate::state::fixture::Fixture;
use crate::state::schema::{StateSchema, TimeColumn};
use crate::state::store::ScanCursor;

fn of(key: Vec<Field>, value: Vec<Field>, time: Option<TimeColumn>) -> Fixture {
    let schema =
        StateSchema { key: Arc::new(Schema::new(key)), value: Arc::new(Schema::new(value)), time };
    Fixture::new(schema, 10, Arc::new(UnboundedMemoryPool::default()))
}

#[tokio::test]
async fn state_of_fixed_width_is_rewritten_in_place_for_ever() {
    let fixture = Fixture::plain(1000);
    let mut sizes = vec![];
    for version in 0..20 {
        let store = fixture.open(version).await.unwrap();
        let all: Vec<_> = (0..5000).map(|user| ((user, None), version as i64)).collect();
        put(&*store, &all).unwrap();
        fixture.commit(&*store).await;
        sizes.push(store.metrics().memory_bytes);
    }
    assert!(sizes[19] <= sizes[2], "{sizes:?}");
}

#[tokio::test]
async fn a_sparse_table_is_moved_together_and_keeps_its_rows() {
    let fixture = Fixture::plain(1000);
    let all: Vec<_> = (0..60_000).map(|user| ((user, Some(user / 7)), user * 2)).collect();
    let store = fixture.open(0).await.unwrap();
    put(&*store, &all).unwrap();
    fixture.commit(&*store).await;
    let store = fixture.open(1).await.unwrap();
    evict(&*store, 8_000, 8192).unwrap();
    fixture.commit(&*store).await;
    let before = store.metrics().memory_bytes;
    let store = fixture.open(2).await.unwrap();
    assert!(store.metrics().memory_bytes < before / 3);
    let kept = all.iter().filter(|((_, time), _)| *time > Some(8_000)).copied().collect();
    assert_eq!(rows(&*store, 1000).unwrap(), kept);
    assert_eq!(evict(&*store, 8_001, 100).unwrap()[0].num_rows(), 7);
    store.abort();
    assert_eq!(rows(&*store, 1000).unwrap(), kept);
}

#[tokio::test]
async fn a_pool_that_has_no_more_is_a_clear_error_and_an_abort_repairs() {
    let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(4_000_000));
    let fixture = Fixture::new(schema(), 10, Arc::clone(&pool));
    let store = fixture.open(0).await.unwrap();
    put(&*store, &[((1, Some(1)), 1)]).unwrap();
    fixture.commit(&*store).await;
    drop(store);
    let store = fixture.open(1).await.unwrap();
    let many: Vec<_> = (0..100_000).map(|user| ((user, Some(user)), user)).collect();
    let error = put(&*store, &many).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.contains("state of `agg` partition 0") && text.contains("memory pool"), "{text}");
    assert!(store.commit().await.is_err());
    store.abort();
    assert_eq!(rows(&*store, 10).unwrap(), [((1, Some(1)), 1)].into());
    put(&*store, &[((2, None), 2)]).unwrap();
    fixture.commit(&*store).await;
    drop(store);
    fixture.restart();
    assert_eq!(pool.reserved(), 0);
}

#[tokio::test]
async fn a_window_is_evicted_by_its_end_and_a_null_window_never() {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, None);
    let fields: Fields =
        vec![Field::new("start", time(), false), Field::new("end", time(), false)].into();
    let window = Field::new("window", DataType::Struct(fields.clone()), true);
    let count = Field::new("count", DataType::Int64, false);
    let fixture = of(vec![window], vec![count], Some(TimeColumn::Window(0)));
    let times = |times: [i64; 3]| Arc::new(TimestampMicrosecondArray::from(times.to_vec()));
    let nulls = NullBuffer::from(vec![true, true, false]);
    let columns: Vec<ArrayRef> = vec![times([0, 10, 0]), times([10, 20, 0])];
    let windows: ArrayRef = Arc::new(StructArray::new(fields, columns, Some(nulls)));
    let store = fixture.open(0).await.unwrap();
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    put_columns(&*store, &[windows], &[counts]).unwrap();
    let evicted = evict(&*store, 10, 10).unwrap();
    assert_eq!(evicted[0].column(1).as_primitive::<Int64Type>().values(), &[1]);
    fixture.commit(&*store).await;
    fixture.restart();
    let store = fixture.open(1).await.unwrap();
    let evicted = evict(&*store, i64::MAX, 10).unwrap();
    assert_eq!(evicted[0].column(1).as_primitive::<Int64Type>().values(), &[2]);
    assert_eq!(store.metrics().rows_total, 1);
}

#[tokio::test]
async fn a_row_is_evicted_by_the_last_time_of_its_value() {
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let id = Field::new("id", DataType::Int64, false);
    let at = Field::new("at", time, true);
    let fixture = of(vec![id], vec![at], Some(TimeColumn::Value(0)));
    let column = |ids: &[i64]| -> Vec<ArrayRef> { vec![Arc::new(Int64Array::from(ids.to_vec()))] };
    let times = |times: &[Option<i64>]| -> Vec<ArrayRef> {
        vec![Arc::new(TimestampMicrosecondArray::from(times.to_vec()))]
    };
    let evicted = |batches: Vec<arrow::array::RecordBatch>| -> Vec<i64> {
        let ids = batches.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>());
        ids.flat_map(|ids| ids.values().to_vec()).collect()
    };
    let store = fixture.open(0).await.unwrap();
    let first = [Some(30), Some(5), Some(20), None, Some(9)];
    put_columns(&*store, &column(&[1, 2, 3, 4, 5]), &times(&first)).unwrap();
    fixture.commit(&*store).await;
    for restarts in [false, true] {
        if restarts {
            fixture.restart();
        }
        let store = fixture.open(1).await.unwrap();
        // One gets a later time, one an earlier, one is new, and one is only looked at.
        let changed = times(&[Some(50), Some(1), Some(7)]);
        put_columns(&*store, &column(&[2, 1, 6]), &changed).unwrap();
        get(&*store, &column(&[5])).unwrap();
        assert_eq!(evicted(evict(&*store, 20, 2).unwrap()), [1, 6, 5, 3]);
        store.abort();
        assert_eq!(evicted(evict(&*store, 20, 2).unwrap()), [2, 5, 3]);
        store.abort();
    }
    let store = fixture.open(1).await.unwrap();
    put_columns(&*store, &column(&[2]), &times(&[Some(50)])).unwrap();
    fixture.commit(&*store).await;
    let store = fixture.open(2).await.unwrap();
    assert_eq!(evicted(evict(&*store, 40, 10).unwrap()), [5, 3, 1]);
}

#[tokio::test]
async fn a_store_without_key_columns_has_one_row() {
    let fixture = of(vec![], vec![Field::new("count", DataType::Int64, false)], None);
    let store = fixture.open(0).await.unwrap();
    assert_eq!(get(&*store, &[]).unwrap().positions.len(), 0);
    for count in [1, 2] {
        put_columns(&*store, &[], &[Arc::new(Int64Array::from(vec![count]))]).unwrap();
    }
    fixture.commit(&*store).await;
    fixture.restart();
    let store = fixture.open(1).await.unwrap();
    let found = get(&*store, &[]).unwrap();
    assert_eq!(found.positions.values(), &[0]);
    assert_eq!(found.values[0].as_primitive::<Int64Type>().values(), &[2]);
    remove(&*store, &[]).unwrap();
    fixture.commit(&*store).await;
    fixture.restart();
    assert_eq!(fixture.open(2).await.unwrap().metrics().rows_total, 0);
}

#[tokio::test]
async fn a_store_without_value_columns_remembers_its_keys() {
    let fixture = of(vec![Field::new("id", DataType::Utf8, true)], vec![], None);
    let ids =
        |ids: &[Option<&str>]| -> Vec<ArrayRef> { vec![Arc::new(StringArray::from(ids.to_vec()))] };
    let store = fixture.open(0).await.unwrap();
    put_columns(&*store, &ids(&[Some("a"), None, Some("")]), &[]).unwrap();
    remove(&*store, &ids(&[Some("a")])).unwrap();
    fixture.commit(&*store).await;
    fixture.restart();
    let store = fixture.open(1).await.unwrap();
    let found = get(&*store, &ids(&[Some("a"), Some(""), None])).unwrap();
    assert_eq!(found.positions.values(), &[1, 2]);
    let batch = store.scan(&mut ScanCursor::default(), 10).unwrap().unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (2, 1));
}

#[tokio::test]
async fn values_may_change_their_length() {
    let text = Field::new("text", DataType::Utf8, false);
    let fixture = of(vec![Field::new("id", DataType::Int64, false)], vec![text], None);
    let id = || -> Vec<ArrayRef> { vec![Arc::new(Int64Array::from(vec![1]))] };
    let long = "x".repeat(3000);
    for (version, text) in ["a", &long, "", "longer than it was", &long].into_iter().enumerate() {
        let store = fixture.open(version as u64).await.unwrap();
        for text in [&long, text] {
            put_columns(&*store, &id(), &[Arc::new(StringArray::from(vec![text]))]).unwrap();
        }
        fixture.commit(&*store).await;
        let found = get(&*store, &id()).unwrap();
        assert_eq!(found.values[0].as_string::<i32>().value(0), text);
    }
    let store = fixture.open(5).await.unwrap();
    remove(&*store, &id()).unwrap();
    store.abort();
    let found = get(&*store, &id()).unwrap();
    assert_eq!(found.values[0].as_string::<i32>().value(0), long);
}

#[tokio::test]
async fn nested_values_come_back_and_deleted_rows_need_none() {
    let inner: Fields = vec![Field::new("n", DataType::Int64, false)].into();
    let list =
        Field::new_list("l", Field::new("item", DataType::Struct(inner.clone()), true), true);
    let value = vec![Field::new("s", DataType::Struct(inner.clone()), false), list];
    let fixture = of(vec![Field::new("id", DataType::Int64, false)], value.clone(), None);
    let numbers = || -> ArrayRef { Arc::new(Int64Array::from(vec![1, 2, 3])) };
    let structs = StructArray::new(inner, vec![numbers()], None);
    let item = Arc::new(Field::new("item", structs.data_type().clone(), true));
    let lists = ListArray::new(
        item,
        OffsetBuffer::from_lengths([2, 0, 1]),
        Arc::new(structs.clone()),
        Some(NullBuffer::from(vec![true, false, true])),
    );
    let values: Vec<ArrayRef> = vec![Arc::new(structs), Arc::new(lists)];
    let store = fixture.open(0).await.unwrap();
    put_columns(&*store, &[numbers()], &values).unwrap();
    remove(&*store, &[Arc::new(Int64Array::from(vec![2]))]).unwrap();
    fixture.commit(&*store).await;
    fixture.restart();
    let found = get(&*fixture.open(1).await.unwrap(), &[numbers()]).unwrap();
    assert_eq!(found.positions.values(), &[0, 2]);
    let expected = take_arrays(&values, &found.positions, None).unwrap();
    assert_eq!(found.values, expected);
}

#[tokio::test]
async fn a_type_that_does_not_come_back_is_refused() {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let fixture = of(vec![Field::new("tag", dictionary, true)], vec![], None);
    let error = fixture.open(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("column `tag`"), "{error}");
    assert_eq!(keys(&[(1, None)])[1].null_count(), 1);
}
