//! Readers: from a format and its options to a data frame.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;

use crate::connector::options::{OptionValue, Options};
use crate::connector::source::{DefineContext, Freshness, SourceDefinition};
use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::operators::scan::StreamTable;
use crate::session::data_frame::StreamingDataFrame;
use crate::session::session::StreamSession;
use crate::sql::types::parse_schema;

/// A schema as Arrow has it, or as Spark's DDL: `k STRING, v BIGINT`.
#[derive(Debug, Clone)]
pub enum SchemaSpec {
    /// As Arrow has it.
    Arrow(SchemaRef),
    /// As DDL, read when the table is loaded.
    Ddl(String),
}

impl From<SchemaRef> for SchemaSpec {
    fn from(schema: SchemaRef) -> Self {
        Self::Arrow(schema)
    }
}

impl From<&str> for SchemaSpec {
    fn from(ddl: &str) -> Self {
        Self::Ddl(ddl.to_owned())
    }
}

impl From<String> for SchemaSpec {
    fn from(ddl: String) -> Self {
        Self::Ddl(ddl)
    }
}

/// What both readers gather. Setters never fail, loading does.
#[derive(Debug, Clone)]
struct Spec {
    session: StreamSession,
    format: String,
    options: Options,
    schema: Option<SchemaSpec>,
}

impl Spec {
    fn new(session: StreamSession) -> Self {
        Self { session, format: "parquet".to_owned(), options: Options::default(), schema: None }
    }

    async fn define(&self, infer_schema: bool) -> Result<Arc<dyn SourceDefinition>> {
        let schema = match &self.schema {
            None => None,
            Some(SchemaSpec::Arrow(schema)) => Some(Arc::clone(schema)),
            Some(SchemaSpec::Ddl(ddl)) => Some(parse_schema(ddl)?),
        };
        let storage = Arc::clone(self.session.storage());
        let time_zone = TimeZone::parse(self.session.settings().time_zone())?;
        let context = DefineContext {
            infer_schema,
            must_exist: true,
            time_zone,
            ..DefineContext::new(storage)
        };
        let factory = self.session.registry().source(&self.format)?;
        factory.define(&self.options, schema, &context).await
    }
}

/// Reads an unbounded table; begun by [`StreamSession::read_stream`].
#[derive(Debug, Clone)]
pub struct DataStreamReader {
    spec: Spec,
    name: Option<String>,
}

impl DataStreamReader {
    pub(crate) fn new(session: StreamSession) -> Self {
        Self { spec: Spec::new(session), name: None }
    }

    /// The format: `csv`, `json`, `parquet`, `text`, `memory`. The default is `parquet`.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        format.clone_into(&mut self.spec.format);
        self
    }

    /// An option of the source; names are compared without regard to case.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl Into<OptionValue>) -> Self {
        self.spec.options.set(name, value.into());
        self
    }

    /// Several options.
    #[must_use]
    pub fn options<K: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in options {
            self.spec.options.set(name, value);
        }
        self
    }

    /// The columns, as an Arrow schema or as DDL: `ts TIMESTAMP, k STRING`.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<SchemaSpec>) -> Self {
        self.spec.schema = Some(schema.into());
        self
    }

    /// The name of the source in checkpoints. Without one it is named by its format and its place
    /// in the query.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The unbounded table.
    ///
    /// # Errors
    /// `NotFound` for the format; those of its options and of the schema.
    pub async fn load(self) -> Result<StreamingDataFrame> {
        if let Some(name) = self.name.as_deref().filter(|name| !is_source_name(name)) {
            return Err(Error::invalid(format!(
                "a source cannot be named `{name}`; use letters, digits and underscores"
            )));
        }
        let infer = self.spec.session.settings().schema_inference();
        let definition = self.spec.define(infer).await?;
        let table = Arc::new(StreamTable::new(self.name, definition));
        scan(&self.spec.session, table)
    }

    /// The unbounded table in this folder: the option `path`, then [`load`](Self::load).
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_path(self, path: &str) -> Result<StreamingDataFrame> {
        self.option("path", path).load().await
    }
}

/// Reads a table; begun by [`StreamSession::read`].
#[derive(Debug, Clone)]
pub struct DataFrameReader {
    spec: Spec,
}

impl DataFrameReader {
    pub(crate) fn new(session: StreamSession) -> Self {
        Self { spec: Spec::new(session) }
    }

    /// The format: `csv`, `json`, `parquet`, `text`. The default is `parquet`.
    #[must_use]
    pub fn format(mut self, format: &str) -> Self {
        format.clone_into(&mut self.spec.format);
        self
    }

    /// An option of the format; names are compared without regard to case.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl Into<OptionValue>) -> Self {
        self.spec.options.set(name, value.into());
        self
    }

    /// Several options.
    #[must_use]
    pub fn options<K: Into<String>, V: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        for (name, value) in options {
            self.spec.options.set(name, value);
        }
        self
    }

    /// The columns, as an Arrow schema or as DDL: `ts TIMESTAMP, k STRING`.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<SchemaSpec>) -> Self {
        self.spec.schema = Some(schema.into());
        self
    }

    /// The table, as it is at this moment: files that come later are not seen.
    ///
    /// # Errors
    /// `NotFound` for the format; those of its options and of the schema.
    pub async fn load(self) -> Result<StreamingDataFrame> {
        let definition = self.spec.define(true).await?;
        let storage = self.spec.session.storage();
        let table = definition.table(storage, Freshness::Snapshot).await?;
        scan(&self.spec.session, table)
    }

    /// The table in this folder: the option `path`, then [`load`](Self::load).
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_path(self, path: &str) -> Result<StreamingDataFrame> {
        self.option("path", path).load().await
    }
}

pub(crate) fn scan(
    session: &StreamSession,
    table: Arc<dyn TableProvider>,
) -> Result<StreamingDataFrame> {
    let plan = LogicalPlanBuilder::scan("source", provider_as_source(table), None)?.build()?;
    Ok(session.data_frame(plan))
}

fn is_source_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
