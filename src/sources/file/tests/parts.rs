//! Large files are read in parts, and nothing of them is lost or counted twice.

use arrow::array::Int64Array;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::*;

const ROWS: i64 = 300_000;

/// The source of a format over the folder.
async fn start(
    world: &World,
    format: &'static str,
    options: &[(&str, &str)],
) -> Arc<dyn MicroBatchSource> {
    let storage = Arc::new(LocalStorage::default());
    let folder = storage.open(&world.path(&format!("checkpoint/sources/{format}-0"))).unwrap();
    let clock = Arc::new(ManualClock::new(0));
    let mut all: Options = options.iter().copied().collect();
    all.set("path", world.path("in"));
    let factory = FileSourceFactory::new(format);
    let definition = factory.define(&all, Some(schema()), &context(false)).await.unwrap();
    let source =
        definition.start(SourceContext { folder, storage, clock, time_zone: TimeZone::UTC });
    source.unwrap()
}

/// In how many partitions the files are read, and the values.
async fn read(
    world: &World,
    format: &'static str,
    options: &[(&str, &str)],
) -> (usize, Result<Vec<i64>>) {
    let source = start(world, format, options).await;
    let end = next(source.as_ref(), None).await.unwrap();
    let partitions = source.plan(None, &end, 4).await.unwrap().len();
    (partitions, values(source.as_ref(), None, &end).await)
}

async fn all_rows_come_once(world: &World, format: &'static str, options: &[(&str, &str)]) {
    let (partitions, values) = read(world, format, options).await;
    let mut values = values.unwrap();
    values.sort_unstable();
    assert!(partitions > 1, "{format}: {partitions}");
    assert!(values == (0..ROWS).collect::<Vec<_>>(), "{format}: {} rows", values.len());
}

#[tokio::test]
async fn rows_of_a_large_file_come_once() {
    let world = World::new();
    let text: String = (0..ROWS).map(|n| format!("{{\"v\": {n}}}\n")).collect();
    world.write("1.json", &text, 0);
    all_rows_come_once(&world, "json", &[]).await;

    let world = World::new();
    let text: String = (0..ROWS).map(|n| format!("  {n}  \r\n")).collect();
    world.write("1.csv", &format!("v\r\n{text}"), 0);
    let trims = [("ignoreLeadingWhiteSpace", "true"), ("ignoreTrailingWhiteSpace", "true")];
    all_rows_come_once(&world, "csv", &[&trims[..], &[("header", "true")]].concat()).await;
}

#[tokio::test]
async fn row_groups_of_a_large_file_come_once() {
    let world = World::new();
    let column = Int64Array::from_iter_values(0..ROWS);
    let batch = RecordBatch::try_new(schema(), vec![Arc::new(column)]).unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(50_000))
        .build();
    let file = File::create(world.folder().join("1.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    all_rows_come_once(&world, "parquet", &[]).await;
}

#[tokio::test]
async fn an_error_in_a_part_counts_lines_from_the_beginning_of_the_file() {
    let world = World::new();
    let line = |n: i64| if n == 250_000 { "?\n".to_owned() } else { format!("{{\"v\": {n}}}\n") };
    world.write("1.json", &(0..ROWS).map(line).collect::<String>(), 0);
    let (partitions, values) = read(&world, "json", &[("mode", "FAILFAST")]).await;
    let error = values.unwrap_err().to_string();
    assert!(partitions > 1 && error.contains("line 250001"), "{partitions}: {error}");
}

#[tokio::test]
async fn a_file_in_parts_is_named_once_and_whole() {
    let world = World::new();
    let text: String = (0..ROWS).map(|n| format!("{{\"v\": {n}}}\n")).collect();
    world.write("1.json", &text, 0);
    let source = start(&world, "json", &[]).await;
    let end = next(source.as_ref(), None).await.unwrap();
    let partitions = source.plan(None, &end, 4).await.unwrap();
    assert!(partitions.len() > 1);
    let named: Vec<_> = partitions.iter().flat_map(|part| source.named_parts(part)).collect();
    let [(name, whole)] = named.as_slice() else { panic!("{named:?}") };
    assert!(name.ends_with("/in/1.json"), "{name}");
    let rows = source.read(whole, None).await.unwrap();
    let batches: Vec<_> = rows.try_collect().await.unwrap();
    assert!(ints(&batches) == (0..ROWS).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_cut_is_read_whole() {
    let world = World::new();
    let text: String = (0..ROWS).map(|n| format!("{{\"v\": {n}}}\n")).collect();
    world.write("1.json", &text, 0);
    for options in [&[("encoding", "ISO-8859-1")], &[("lineSep", "\r\n")]] {
        assert_eq!(read(&world, "json", options).await.0, 1);
    }
}
