//! The builder: frames put together, columns, order, totals.

use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{col, lit};

use crate::connector::output_mode::OutputMode;
use crate::logical::explain_mode::ExplainMode;
use crate::runtime::clock::ManualClock;
use crate::session::data_frame::StreamingDataFrame;
use crate::session::expression::{asc, desc};
use crate::session::session::StreamSession;

fn session() -> StreamSession {
    StreamSession::builder().with_clock(Arc::new(ManualClock::new(0))).build().unwrap()
}

async fn sql(session: &StreamSession, text: &str) -> StreamingDataFrame {
    session.sql(text).await.unwrap()
}

/// The rows, each as its values with spaces between, after a line with the names.
async fn shown(frame: StreamingDataFrame) -> Vec<String> {
    let rows = frame.collect().await.unwrap();
    let table = pretty_format_batches(&rows).unwrap().to_string();
    let lines = table.lines().filter(|line| line.starts_with('|'));
    let words = |line: &str| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.map(|cell| if cell.is_empty() { "-" } else { cell }).collect::<Vec<_>>().join(" ")
    };
    lines.map(words).collect()
}

async fn pair(session: &StreamSession) -> (StreamingDataFrame, StreamingDataFrame) {
    let left = sql(session, "SELECT * FROM VALUES ('a', 1), ('b', 2) AS t(k, v)").await;
    let right = sql(session, "SELECT * FROM VALUES ('b', 20), ('c', 30) AS t(k, w)").await;
    (left, right)
}

async fn joined(how: &str) -> Vec<String> {
    let session = session();
    let (left, right) = pair(&session).await;
    let rows = left.join(right, &["k"], how).unwrap();
    shown(rows.order_by(vec![asc(col("k"))]).unwrap()).await
}

#[tokio::test]
async fn a_join_has_its_keys_once() {
    assert_eq!(joined("inner").await, ["k v w", "b 2 20"]);
    assert_eq!(joined("leftOuter").await, ["k v w", "a 1 -", "b 2 20"]);
    assert_eq!(joined("right").await, ["k v w", "b 2 20", "c - 30"]);
    assert_eq!(joined("full_outer").await, ["k v w", "a 1 -", "b 2 20", "c - 30"]);
    assert_eq!(joined("left_semi").await, ["k v", "b 2"]);
    assert_eq!(joined("anti").await, ["k v", "a 1"]);
}

#[tokio::test]
async fn a_join_says_what_is_wrong_with_it() {
    let session = session();
    let (left, right) = pair(&session).await;
    let error = left.clone().join(right.clone(), &["k"], "sideways").unwrap_err().to_string();
    assert!(error.contains("no join `sideways`"), "{error}");
    let error = left.join(right, &["v"], "inner").unwrap_err().to_string();
    assert!(error.contains("`v`"), "{error}");
}

#[tokio::test]
async fn a_condition_can_name_both_sides() {
    let session = session();
    let (left, right) = pair(&session).await;
    let (left, right) = (left.alias("l").unwrap(), right.alias("r").unwrap());
    let condition = col("l.k").lt(col("r.k"));
    let rows = left.join_on(right, condition, "inner").unwrap();
    let rows = rows.select(vec![col("l.v"), col("r.w")]).unwrap();
    let rows = rows.order_by(vec![desc(col("v")), asc(col("w"))]).unwrap();
    assert_eq!(shown(rows).await, ["v w", "2 30", "1 20", "1 30"]);
}

#[tokio::test]
async fn a_frame_can_be_joined_with_itself() {
    let session = session();
    let (left, _) = pair(&session).await;
    let rows = left.clone().cross_join(left).unwrap();
    assert_eq!(shown(rows).await.len(), 5);
}

#[tokio::test]
async fn a_union_goes_by_place_or_by_name() {
    let session = session();
    let (left, right) = pair(&session).await;
    let both = left.clone().union(right.clone()).unwrap().order_by(vec![asc(col("v"))]).unwrap();
    assert_eq!(shown(both).await, ["k v", "a 1", "b 2", "b 20", "c 30"]);

    let error = left.clone().union_by_name(right.clone(), false).unwrap_err().to_string();
    assert!(error.contains("`v`"), "{error}");
    let both = left.union_by_name(right, true).unwrap();
    let both = both.order_by(vec![asc(col("v")), asc(col("w"))]).unwrap();
    assert_eq!(shown(both).await, ["k v w", "b - 20", "c - 30", "a 1 -", "b 2 -"]);
}

#[tokio::test]
async fn columns_come_go_and_are_renamed() {
    let session = session();
    let (left, _) = pair(&session).await;
    let frame = left.with_columns(vec![("V", col("v") + lit(1)), ("x", col("v"))]).unwrap();
    let frame = frame.with_column_renamed("x", "old").unwrap();
    let frame = frame.with_column_renamed("nothing", "else").unwrap();
    let frame = frame.drop(&["K", "nothing"]).unwrap();
    assert_eq!(shown(frame).await, ["V old", "2 1", "3 2"]);
}

#[tokio::test]
async fn nulls_are_dropped_or_filled() {
    let session = session();
    let text = "SELECT * FROM VALUES ('a', 1), (NULL, 2), ('c', NULL) AS t(k, v)";
    let frame = sql(&session, text).await;
    assert_eq!(shown(frame.clone().drop_na(&[]).unwrap()).await, ["k v", "a 1"]);
    assert_eq!(shown(frame.clone().drop_na(&["v"]).unwrap()).await, ["k v", "a 1", "- 2"]);
    let filled = frame.clone().fill_na("?", &[]).unwrap().fill_na(7, &["v"]).unwrap();
    assert_eq!(shown(filled).await, ["k v", "a 1", "? 2", "c 7"]);
    let error = frame.fill_na(0, &["w"]).unwrap_err().to_string();
    assert!(error.contains("`w`"), "{error}");
}

#[tokio::test]
async fn groups_are_totalled_on_every_level() {
    let session = session();
    let text = "SELECT * FROM VALUES ('a', 'x'), ('a', 'y'), ('b', 'x') AS t(k, l)";
    let frame = sql(&session, text).await;
    let keys = || vec![col("k"), col("l")];
    let count = || vec![count(lit(1)).alias("n")];
    let order = || vec![asc(col("k")), asc(col("l"))];
    let rolled = frame.clone().rollup(keys()).agg(count()).unwrap().order_by(order()).unwrap();
    let expected = ["k l n", "- - 3", "a - 2", "a x 1", "a y 1", "b - 1", "b x 1"];
    assert_eq!(shown(rolled).await, expected);
    let cubed = frame.cube(keys()).agg(count()).unwrap();
    assert_eq!(shown(cubed).await.len(), 1 + 8);
}

#[tokio::test]
async fn a_stream_is_joined_limited_and_made_distinct() {
    let session = session();
    session.sql("CREATE TABLE s (k STRING, v INT) USING memory").await.unwrap();
    let table = session.table("s").await.unwrap();
    assert!(!table.is_streaming());
    let stream = || async { session.sql("SELECT * FROM STREAM s").await.unwrap() };
    let (_, right) = pair(&session).await;

    let joined = stream().await.join(right.clone(), &["k"], "left").unwrap().limit(2).unwrap();
    let plan = joined.explain_as(OutputMode::Append, ExplainMode::Extended).await.unwrap();
    assert!(plan.contains("StaticJoinExec") && plan.contains("StreamingLimit"), "{plan}");

    let error = stream().await.join(right, &["k"], "right").unwrap();
    let error =
        error.explain_as(OutputMode::Append, ExplainMode::Extended).await.unwrap_err().to_string();
    assert!(error.contains("join"), "{error}");

    let distinct = stream().await.distinct().unwrap();
    assert!(distinct.explain_as(OutputMode::Update, ExplainMode::Extended).await.is_ok());
    let error = distinct
        .explain_as(OutputMode::Append, ExplainMode::Extended)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("watermark"), "{error}");

    let error = stream().await.offset(1).unwrap();
    let error =
        error.explain_as(OutputMode::Append, ExplainMode::Extended).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("offset"), "{error}");
}
