//! Random input of a query.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::outcome::Fallible;

/// The columns of the table.
pub(super) const COLUMNS: &str = "ts TIMESTAMP, k STRING, v BIGINT, x DOUBLE, s STRING";

/// 2024-01-01T00:00:00Z, in microseconds.
const START: i64 = 1_704_067_200_000_000;

/// What a query reads, and what happens to it meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) epochs: Vec<Epoch>,
}

/// One epoch.
#[derive(Debug, Clone)]
pub(super) struct Epoch {
    /// The number of partitions to restart with before the epoch.
    pub(super) restart: Option<usize>,
    pub(super) rows: Vec<Row>,
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    ts: Option<i64>,
    k: Option<&'static str>,
    v: Option<i64>,
    x: Option<f64>,
    s: String,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for epoch in &self.epochs {
            if let Some(partitions) = epoch.restart {
                write!(f, "\nrestart with {partitions} partitions")?;
            }
            write!(f, "\nepoch")?;
            for row in &epoch.rows {
                let Row { ts, k, v, x, s } = row;
                write!(f, " [{ts:?} {k:?} {v:?} {x:?} {s:?}]")?;
            }
        }
        Ok(())
    }
}

/// All inputs.
pub(super) fn inputs() -> impl Strategy<Value = Input> {
    vec(epochs(), 1..6).prop_map(|epochs| Input { epochs })
}

fn epochs() -> impl Strategy<Value = Epoch> {
    (option::weighted(0.4, 1_usize..7), vec(rows(), 0..12))
        .prop_map(|(restart, rows)| Epoch { restart, rows })
}

fn rows() -> impl Strategy<Value = Row> {
    // Times fall on the bounds of windows as well as between them, and within one hour.
    let ts = option::weighted(0.9, prop_oneof![0_i64..60, Just(3_000)])
        .prop_map(|seconds| seconds.map(|seconds| START + seconds * 500_000));
    let k = option::weighted(0.8, select(&["a", "b", "c", "", "\u{e4}"][..]));
    let v = option::weighted(0.8, -9_i64..10);
    // Multiples of a power of two, whose sums are the same in whatever order.
    let x = option::weighted(0.8, (-40_i32..40).prop_map(|quarters| f64::from(quarters) / 4.0));
    let s =
        any::<bool>().prop_map(|long| if long { "long text".to_owned() } else { "x".to_owned() });
    (ts, k, v, x, s).prop_map(|(ts, k, v, x, s)| Row { ts, k, v, x, s })
}

/// Rows as a batch.
pub(super) fn batch(rows: &[Row]) -> Fallible<RecordBatch> {
    let ts: TimestampMicrosecondArray = rows.iter().map(|row| row.ts).collect();
    let k: StringArray = rows.iter().map(|row| row.k).collect();
    let v: Int64Array = rows.iter().map(|row| row.v).collect();
    let x: Float64Array = rows.iter().map(|row| row.x).collect();
    let s: StringArray = rows.iter().map(|row| Some(row.s.as_str())).collect();
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("ts", Arc::new(ts.with_timezone("UTC")) as _, true),
        ("k", Arc::new(k) as _, true),
        ("v", Arc::new(v) as _, true),
        ("x", Arc::new(x) as _, true),
        ("s", Arc::new(s) as _, true),
    ])?)
}

/// A row long after all others, which makes their windows final.
pub(super) fn last_row() -> Row {
    Row { ts: Some(START + 30 * 86_400_000_000), k: None, v: None, x: None, s: String::new() }
}
