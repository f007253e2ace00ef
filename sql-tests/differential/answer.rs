//! A question, Spark's answer, and how ours differs from it.

use std::collections::BTreeMap;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use futures::FutureExt;
use millstream::StreamSession;
use serde::Deserialize;
use serde_json::Value;

use crate::outcome::Fallible;
use crate::render;
use crate::values::{same_row, same_rows};

/// How far two doubles may be apart, relative to their size: sums are made in another order.
const TOLERANCE: f64 = 1e-12;

/// The questions about one topic.
#[derive(Debug, Deserialize)]
pub(super) struct Topic {
    pub(super) topic: String,
    settings: BTreeMap<String, String>,
    /// Queries that make the tables.
    tables: BTreeMap<String, String>,
    pub(super) answers: Vec<Question>,
}

/// A question and what Spark said.
#[derive(Debug, Deserialize)]
pub(super) struct Question {
    pub(super) sql: String,
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    condition: Option<String>,
}

/// What Millstream said.
struct Given {
    columns: Vec<String>,
    types: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Topic {
    /// Reads the recorded answers.
    pub(super) fn read(path: &Path) -> Fallible<Self> {
        Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
    }

    /// A session with the settings and the tables of the topic.
    pub(super) async fn session(&self) -> Fallible<StreamSession> {
        let session =
            StreamSession::builder().config("spark.sql.shuffle.partitions", "1").build()?;
        for (name, query) in &self.tables {
            session.sql(&format!("CREATE TEMP VIEW {name} AS {query}")).await?;
        }
        for (name, value) in &self.settings {
            session.set(name, value)?;
        }
        Ok(session)
    }
}

impl Question {
    /// How the answer differs from Spark's; `None` when it does not.
    pub(super) async fn ask(&self, session: &StreamSession) -> Fallible<Option<String>> {
        let asked = AssertUnwindSafe(Box::pin(ask(session, &self.sql))).catch_unwind().await;
        let Ok(given) = asked else { return Ok(Some("it panics".to_owned())) };
        let condition = self.condition.as_deref().unwrap_or_default();
        Ok(match (&self.error, given) {
            (Some(_), Err(_)) => None,
            (Some(phase), Ok(given)) => Some(format!(
                "Spark fails at {phase} with {condition}, it gives {}",
                lines(&given.rows)
            )),
            (None, Err(error)) => Some(format!(
                "Spark says {} {:?}, it fails: {error}",
                lines(&self.rows),
                self.types
            )),
            (None, Ok(given)) => self.differs(&given),
        })
    }

    fn differs(&self, given: &Given) -> Option<String> {
        let is_ordered = self.sql.to_ascii_uppercase().contains(" ORDER BY ALL")
            || self.sql.rsplit(')').next().is_some_and(|end| end.contains("ORDER BY"));
        let is_same = if is_ordered {
            self.rows.len() == given.rows.len()
                && self.rows.iter().zip(&given.rows).all(|(a, b)| same_row(a, b, TOLERANCE))
        } else {
            same_rows(&self.rows, &given.rows, TOLERANCE)
        };
        if !is_same || self.types != given.types {
            return Some(format!(
                "Spark says {} {:?}, it says {} {:?}",
                lines(&self.rows),
                self.types,
                lines(&given.rows),
                given.types
            ));
        }
        (self.columns != given.columns)
            .then(|| format!("Spark names {:?}, it names {:?}", self.columns, given.columns))
    }
}

async fn ask(session: &StreamSession, sql: &str) -> Fallible<Given> {
    let frame = session.sql(sql).await?;
    let schema = frame.schema();
    let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
    let types = schema
        .fields()
        .iter()
        .map(|field| millstream::sql::types::spark_type_name(field.data_type()))
        .collect();
    let rows = render::all_rows(&frame.collect().await?)?;
    Ok(Given { columns, types, rows })
}

fn lines(rows: &[Vec<Value>]) -> String {
    let mut rows: Vec<String> =
        rows.iter().map(|row| Value::Array(row.clone()).to_string()).collect();
    rows.sort();
    rows.join(" ")
}
