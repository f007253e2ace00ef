//! A sink for tests: remembers what it was handed, and fails when it is told to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::dataframe::DataFrame;
use millstream::sinks::foreach_batch::UserError;
use millstream::sql::types::spark_type_name;
use serde_json::Value;

use crate::render;

/// A batch that the sink was handed.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) batch_id: u64,
    pub(crate) columns: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) failed: bool,
}

/// Remembers batches. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    seen: Mutex<Vec<Seen>>,
    fails: AtomicBool,
}

impl Collector {
    /// Lets the sink fail once, with the next batch.
    pub(crate) fn fail_next(&self) {
        self.0.fails.store(true, Ordering::SeqCst);
    }

    /// All batches so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    /// How often the sink failed.
    pub(crate) fn failures(&self) -> usize {
        self.lock().iter().filter(|seen| seen.failed).count()
    }

    /// Takes a batch.
    pub(crate) async fn take(self, rows: DataFrame, batch_id: u64) -> Result<(), UserError> {
        let fields = rows.schema().fields().clone();
        let batches = rows.collect().await?;
        let failed = self.0.fails.swap(false, Ordering::SeqCst);
        self.lock().push(Seen {
            batch_id,
            columns: fields.iter().map(|field| field.name().clone()).collect(),
            types: fields.iter().map(|field| spark_type_name(field.data_type())).collect(),
            rows: render::all_rows(&batches)?,
            failed,
        });
        if failed { Err("the sink was told to fail".into()) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
