//! The static side of a source that has none: its rows are there once, when they come.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::connector::source::Freshness;
use crate::error::{Error, Result};

/// A table of the catalog that can be read as a stream only.
#[derive(Debug)]
pub(super) struct StreamOnly {
    format: &'static str,
    schema: SchemaRef,
}

impl StreamOnly {
    /// The table of a source of this format. A table of the catalog can be described, since a
    /// stream may read it; a snapshot of one has no sense.
    ///
    /// # Errors
    /// `Unsupported` for a snapshot.
    pub(super) fn table(
        format: &'static str,
        schema: SchemaRef,
        freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        match freshness {
            Freshness::Live => Ok(Arc::new(Self { format, schema })),
            Freshness::Snapshot => Err(refused(format)),
        }
    }
}

fn refused(format: &str) -> Error {
    Error::unsupported(format!(
        "source `{format}` makes rows as time goes by and has no table of them; read it as a stream, with FROM STREAM, or with `read_stream()` in the builder"
    ))
}

#[async_trait]
impl TableProvider for StreamOnly {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Err(refused(self.format).into())
    }
}

/// Refuses columns that a user gave for a source that has its own.
///
/// # Errors
/// `Invalid` when there are any.
pub(super) fn own_columns(format: &str, schema: Option<&SchemaRef>, has: &str) -> Result<()> {
    match schema {
        None => Ok(()),
        Some(_) => Err(Error::invalid(format!(
            "source `{format}` has its own columns, {has}; leave the schema out"
        ))),
    }
}
