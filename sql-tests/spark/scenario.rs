//! A scenario as its file has it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// What to run, and what Spark answered.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Scenario {
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) streams: BTreeMap<String, Stream>,
    #[serde(default)]
    pub(super) tables: BTreeMap<String, Table>,
    #[serde(default)]
    pub(super) views: Vec<View>,
    pub(super) query: String,
    pub(super) output_mode: String,
    #[serde(default)]
    pub(super) config: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) trigger: Trigger,
    /// Whether the order of rows counts.
    #[serde(default)]
    pub(super) ordered: bool,
    /// How far floats may be apart, relatively.
    #[serde(default)]
    pub(super) float_tolerance: Option<f64>,
    /// Whether only the number of rows is known, since Spark may choose which.
    #[serde(default)]
    pub(super) compare: Option<Compare>,
    pub(super) steps: Vec<Step>,
    pub(super) expected: Expected,
}

/// A stream: JSON lines in a folder.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Stream {
    pub(super) schema: String,
    #[serde(default = "one")]
    pub(super) max_files_per_trigger: u64,
}

const fn one() -> u64 {
    1
}

/// A static table.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) rows: Vec<Value>,
}

/// A temporary view: of a text, or of another view with something done to it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct View {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) definition: Definition,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Definition {
    Sql { sql: String },
    Watermark { from: String, watermark: Watermark },
    Dedup { from: String, dedup: Option<Vec<String>> },
    DedupWithinWatermark { from: String, dedup_within_watermark: Vec<String> },
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match &self.definition {
            Definition::Sql { sql } => f.write_str(sql),
            Definition::Watermark { from, watermark: Watermark { column, delay } } => {
                write!(f, "{from} with watermark {column}, {delay}")
            }
            Definition::Dedup { from, dedup } => write!(f, "{from} without duplicates {dedup:?}"),
            Definition::DedupWithinWatermark { from, dedup_within_watermark } => {
                write!(f, "{from} without duplicates {dedup_within_watermark:?} within watermark")
            }
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Watermark {
    pub(super) column: String,
    pub(super) delay: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trigger {
    #[default]
    Default,
    AvailableNow,
    Once,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compare {
    RowCount,
}

/// One step of a scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A file for each of these streams.
    Add(BTreeMap<String, Vec<Value>>),
    /// Run until nothing is left to do.
    Run(IgnoredAny),
    /// Stop the query.
    Restart(IgnoredAny),
    /// Let the sink fail once.
    FailSink(IgnoredAny),
}

/// What Spark answered.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Expected {
    #[serde(default)]
    pub(super) columns: Vec<String>,
    #[serde(default)]
    pub(super) types: Vec<String>,
    #[serde(default)]
    pub(super) batches: Vec<Batch>,
    pub(super) error: Option<Refusal>,
}

/// One micro-batch, as the sink and the progress report saw it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Batch {
    pub(super) batch_id: u64,
    pub(super) rows: Vec<Vec<Value>>,
    #[serde(default)]
    pub(super) failed: bool,
    pub(super) input_rows: Option<u64>,
    pub(super) watermark: Option<String>,
    #[serde(default)]
    pub(super) state: Vec<OperatorState>,
}

/// What a stateful operator did in a micro-batch.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OperatorState {
    pub(super) operator: String,
    pub(super) rows_total: u64,
    pub(super) rows_dropped_by_watermark: u64,
}

/// How Spark refused the query.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Refusal {
    pub(super) phase: Phase,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// When something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// When the data frame was made.
    Analysis,
    /// When the query was started.
    Start,
    /// When a batch ran.
    Runtime,
}
