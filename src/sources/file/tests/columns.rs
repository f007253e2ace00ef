//! Columns in the names of folders.

use arrow::array::Array;
use arrow::util::display::array_value_to_string;

use super::*;

async fn rows(world: &World, options: &[(&str, &str)], columns: &[usize]) -> Result<Vec<String>> {
    let source = world.start(options).await;
    source.recover(None).await?;
    let end = next(source.as_ref(), None).await.unwrap();
    let mut rows = vec![];
    for partition in source.plan(None, &end, 1).await? {
        let stream = source.read(&partition, Some(columns)).await?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(Error::from)?;
        for batch in batches {
            for row in 0..batch.num_rows() {
                let cell = |column: &Arc<dyn Array>| array_value_to_string(column, row).unwrap();
                rows.push(batch.columns().iter().map(cell).collect::<Vec<_>>().join(" "));
            }
        }
    }
    Ok(rows)
}

#[tokio::test]
async fn any_columns_are_read_in_any_order() {
    let world = World::new();
    world.add("day=2024-01-01/k=x/a", 1, 1);
    world.add("day=2024-01-02/k=a%20b/a", 2, 2);
    assert_eq!(
        rows(&world, &[], &[0, 1, 2]).await.unwrap(),
        ["1 2024-01-01 x", "2 2024-01-02 a b"]
    );
    assert_eq!(rows(&world, &[], &[2, 0]).await.unwrap(), ["x 1", "a b 2"]);
    assert_eq!(rows(&world, &[], &[1]).await.unwrap(), ["2024-01-01", "2024-01-02"]);
    let flat = [("recursiveFileLookup", "true")];
    assert_eq!(rows(&world, &flat, &[0]).await.unwrap(), ["1", "2"]);
}

#[tokio::test]
async fn folders_in_a_file_sinks_log_have_their_columns() {
    let world = World::new();
    world.add("k=a%2Fb/committed", 1, 1);
    world.add("k=c/left over", 2, 2);
    let storage = LocalStorage::default();
    let folder = storage.open(&world.path("in")).unwrap();
    let url = format!("{}/k=a%252Fb/committed", folder.url);
    let file = SinkFile::added(url, 8, 1_704_067_201_000);
    manifest(&folder).add(0, &[file]).await.unwrap();
    assert_eq!(rows(&world, &[], &[0, 1]).await.unwrap(), ["1 a/b"]);
}

#[tokio::test]
async fn a_file_outside_of_the_folders_is_an_error_rather_than_lost() {
    let world = World::new();
    world.add("k=1/a", 1, 1);
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    world.add("b", 2, 2);
    let end = next(source.as_ref(), None).await.unwrap();
    let error = values(source.as_ref(), None, &end).await.unwrap_err();
    assert!(error.to_string().contains("its folders name the columns ``"), "{error}");
}
