//! Observed metrics: right in every epoch, also in one that is run again, and for tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::functions_aggregate::expr_fn::{count, count_distinct, max, min, sum};
use datafusion::logical_expr::{Expr, ExprFunctionExt, col, lit};
use serde_json::json;

use crate::connector::output_mode::OutputMode;
use crate::error::Result;
use crate::operators::observe::metrics::Observation;
use crate::session::builtin::MemoryTable;
use crate::session::data_frame::StreamingDataFrame;
use crate::session::session::StreamSession;

fn stream(session: &StreamSession) -> (Arc<MemoryTable>, StreamingDataFrame) {
    let fields =
        vec![Field::new("k", DataType::Utf8, true), Field::new("v", DataType::Int64, true)];
    session.memory_stream(&Schema::new(fields)).unwrap()
}

fn add(table: &MemoryTable, rows: &[(&str, i64)]) {
    let k = Arc::new(rows.iter().map(|(k, _)| Some(*k)).collect::<StringArray>()) as _;
    let v = Arc::new(rows.iter().map(|(_, v)| Some(*v)).collect::<Int64Array>()) as _;
    let batch = RecordBatch::try_from_iter_with_nullable([("k", k, true), ("v", v, true)]);
    table.add(&batch.unwrap()).unwrap();
}

fn rows() -> Expr {
    count(lit(1)).alias("rows")
}

fn metrics() -> Vec<Expr> {
    let spread = (max(col("v")) - min(col("v"))).alias("spread");
    vec![rows(), sum(col("v")).alias("total"), spread, lit(5).alias("five"), max(col("k"))]
}

#[tokio::test]
async fn metrics_are_those_of_each_epoch() -> Result<()> {
    let session = StreamSession::builder().config("spark.sql.shuffle.partitions", "3").build()?;
    let (table, frame) = stream(&session);
    let counted = frame
        .observe("in", metrics())?
        .filter(col("v").gt(lit(1)))?
        .group_by(vec![col("k")])
        .agg(vec![count(lit(1)).alias("n")])?
        .observe("out", vec![rows()])?;
    let writer = counted.write_stream().format("noop").output_mode(OutputMode::Update);
    let query = writer.start().await?;
    add(&table, &[("a", 1), ("b", 7), ("a", 3)]);
    query.process_all_available().await?;
    let first = query.last_progress().unwrap();
    let seen = json!({"rows": 3, "total": 11, "spread": 6, "five": 5, "max(?table?.k)": "b"});
    let mut seen = seen.as_object().unwrap().clone();
    let k = seen.remove("max(?table?.k)").unwrap();
    let mut found = first.observed_metrics["in"].clone();
    let name = found.keys().find(|name| name.starts_with("max(")).unwrap().clone();
    assert_eq!(found.remove(&name), Some(k));
    assert_eq!(found, seen);
    assert_eq!(first.observed_metrics["out"]["rows"], 2);
    assert!(first.json().contains("\"observedMetrics\":{\"in\":{"), "{}", first.json());

    add(&table, &[("a", 9)]);
    query.process_all_available().await?;
    let second = query.last_progress().unwrap().observed_metrics;
    assert_eq!((&second["in"]["rows"], &second["in"]["total"]), (&json!(1), &json!(9)));
    assert_eq!(second["out"]["rows"], 1);
    Ok(())
}

#[tokio::test]
async fn an_epoch_that_runs_again_observes_the_same() -> Result<()> {
    let session = StreamSession::new()?;
    let folder = tempfile::tempdir().unwrap();
    let (table, frame) = stream(&session);
    let frame = frame.observe("m", metrics())?;
    let fails = Arc::new(AtomicBool::new(true));
    let start = || {
        let fails = Arc::clone(&fails);
        let sink = move |rows: datafusion::dataframe::DataFrame, _epoch: u64| {
            let fails = fails.load(Ordering::SeqCst);
            async move {
                rows.collect().await?;
                if fails { Err("the sink fails".into()) } else { Ok(()) }
            }
        };
        let checkpoint = folder.path().display().to_string();
        let writer = frame.clone().write_stream().option("checkpointLocation", checkpoint);
        writer.foreach_batch(sink).start()
    };
    add(&table, &[("a", 1), ("b", 7)]);
    let query = start().await?;
    assert!(query.process_all_available().await.is_err());
    fails.store(false, Ordering::SeqCst);
    let query = start().await?;
    query.process_all_available().await?;
    let seen = query.last_progress().unwrap();
    assert_eq!((seen.batch_id, &seen.observed_metrics["m"]["total"]), (0, &json!(8)));
    Ok(())
}

#[tokio::test]
async fn an_epoch_without_rows_has_metrics_of_nothing() -> Result<()> {
    let session = StreamSession::new()?;
    let (table, frame) = stream(&session);
    let none = frame.filter(col("v").gt(lit(100)))?.observe("m", metrics())?;
    let query = none.write_stream().format("noop").start().await?;
    add(&table, &[("a", 1)]);
    query.process_all_available().await?;
    let seen = query.last_progress().unwrap().observed_metrics;
    assert_eq!((&seen["m"]["rows"], &seen["m"]["total"]), (&json!(0), &json!(null)));
    Ok(())
}

#[tokio::test]
async fn a_table_is_observed_by_its_first_query() -> Result<()> {
    let session = StreamSession::new()?;
    let values = session.sql("SELECT * FROM VALUES (1), (2), (3) AS t(v)").await?;
    let observation = Observation::new("m");
    let frame = values.observe(observation.clone(), vec![rows(), max(col("v")).alias("max")])?;
    assert_eq!(observation.get()?, None);
    let few = frame.clone().filter(col("v").gt(lit(2)))?.collect().await?;
    assert_eq!(few.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    let expected = json!({"rows": 3, "max": 3});
    assert_eq!(observation.get()?.as_ref(), expected.as_object());
    frame.collect().await?;
    assert_eq!(observation.get()?.as_ref(), expected.as_object());
    Ok(())
}

#[tokio::test]
async fn what_is_no_metric_is_refused() -> Result<()> {
    let session = StreamSession::new()?;
    let (_table, frame) = stream(&session);
    let refused = |exprs: Vec<Expr>| frame.clone().observe("m", exprs).unwrap_err().to_string();
    let filtered = count(col("v")).filter(col("v").gt(lit(1))).build()?;
    for (expr, why) in [
        (col("v"), "the column `v` outside of an aggregate"),
        (max(col("v")) + col("v"), "the column `v` outside of an aggregate"),
        (count_distinct(col("v")), "has DISTINCT"),
        (filtered, "has a FILTER"),
        (max(sum(col("v"))), "an aggregate inside of another"),
        (datafusion::functions::expr_fn::random(), "another value each time"),
    ] {
        let error = refused(vec![expr]);
        assert!(error.contains(why), "{error}");
    }
    assert!(refused(vec![]).contains("at least one aggregate"));
    assert!(refused(vec![rows(), rows()]).contains("two of the metrics `m` are called `rows`"));
    assert!(frame.clone().observe("", vec![rows()]).is_err());
    let kept = frame.clone().observe(Observation::new("m"), vec![rows()]).unwrap_err();
    assert!(kept.to_string().contains("progress reports"), "{kept}");
    let twice = frame.clone().observe("m", vec![rows()])?.observe("m", vec![rows()])?;
    let error = twice.write_stream().format("noop").start().await.unwrap_err().to_string();
    assert!(error.contains("two observations of the query have the name `m`"), "{error}");
    Ok(())
}
