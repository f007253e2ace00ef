//! A query that is started into a table of the session, which can be read by its name.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use crate::column_names::{refuse_twins, shown_schema};
use crate::connector::option_doc::find;
use crate::connector::options::Options;
use crate::error::{Error, ErrorKind, Result};
use crate::operators::scan::CatalogTable;
use crate::query::handle::StreamingQuery;
use crate::session::builtin::{self, Written};
use crate::session::data_frame::quoted_reference;
use crate::session::statement::find_table;
use crate::session::writer::{DEFAULT_FORMAT, DataStreamWriter, name_own_options};

impl DataStreamWriter {
    /// Starts the query into a table of the session.
    ///
    /// A table that is not there is made: of files in the folder that the option `path` names, or
    /// in memory with the format `memory`. To a table that CREATE TABLE made over a folder of files
    /// rows are added; they must have its columns.
    ///
    /// # Errors
    /// `Unsupported` for a sink or a table that cannot be written so; `Invalid` for rows of other
    /// columns; those of [`start`](Self::start).
    pub async fn to_table(self, name: &str) -> Result<StreamingQuery> {
        if self.has_user_code() {
            return Err(Error::unsupported(
                "rows go to a table or to a function, not to both; call `start` in place of `to_table`",
            ));
        }
        match find_table(&self.session, name) {
            Some(known) => Box::pin(self.append_to(&known)).await,
            None => Box::pin(self.create_table(name)).await,
        }
    }

    /// The table `name` that the files of the query will be; none where it writes no files.
    pub(super) async fn written_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let format = self.format.as_deref().unwrap_or(DEFAULT_FORMAT);
        let options = self.sink_options();
        if builtin::writes_files(format) {
            // The sink is asked first: what it refuses is about writing, and so are its words.
            let sink = self.session.registry().sink(format)?;
            sink.open(&options, self.sink_context()).await.map_err(name_own_options)?;
        }
        let written = Written {
            format,
            options: &options,
            partition_by: &self.partition_by,
            schema: shown_schema(self.plan.schema().as_arrow()),
        };
        let table = builtin::written_table(&self.session, written).await;
        table.map_err(|error| not_read_back(name, error))
    }

    async fn create_table(mut self, name: &str) -> Result<StreamingQuery> {
        let session = self.session.clone();
        let format = self.format.clone().unwrap_or_else(|| DEFAULT_FORMAT.to_owned());
        let keeps_itself = format.eq_ignore_ascii_case(builtin::MEMORY);
        session.registry().sink(&format)?;
        let table = self.written_table(name).await?;
        if table.is_none() && !keeps_itself {
            return Err(Error::unsupported(format!(
                "sink `{format}` keeps no table; use a format of files, or `memory`"
            )));
        }
        self.table = Some(name.to_owned());
        let query = match Box::pin(self.start()).await {
            Ok(query) => query,
            Err(error) => {
                // A sink may have registered its table before the query was refused.
                session.context().deregister_table(quoted_reference(name))?;
                return Err(error);
            }
        };
        if let Some(table) = table {
            session.context().register_table(quoted_reference(name), table)?;
        }
        Ok(query)
    }

    async fn append_to(mut self, name: &str) -> Result<StreamingQuery> {
        let table = self.session.context().table_provider(quoted_reference(name)).await?;
        let schema = table.schema();
        let table: &dyn Any = table.as_ref();
        let definition =
            table.downcast_ref::<CatalogTable>().map(|table| table.stream().definition());
        let place = definition.and_then(|source| Some((source.format(), source.written_with()?)));
        let Some((format, with)) = place else {
            return Err(Error::unsupported(format!(
                "`{name}` cannot be written by a stream, since it is no table over a folder of files; write to another name"
            )));
        };
        if let Some(asked) =
            self.format.as_ref().filter(|asked| !asked.eq_ignore_ascii_case(format))
        {
            return Err(Error::invalid(format!(
                "the files of table `{name}` have the format `{format}`, and the query writes `{asked}`; leave the format out"
            )));
        }
        self.take_options(name, format, with)?;
        self.format = Some(format.to_owned());
        self.select_columns(name, &schema)?;
        self.start().await
    }

    /// Takes over what the table says of its files: where they are, and how they are spelled.
    fn take_options(&mut self, name: &str, format: &str, with: &Options) -> Result<()> {
        let docs = self.session.registry().sink(format)?.options();
        for (option, value) in with.iter() {
            if find(docs, option).is_none_or(|doc| doc.refused.is_some()) {
                continue;
            }
            if self.options.get(option).is_some_and(|given| given != value) {
                return Err(Error::invalid(format!(
                    "table `{name}` has the option `{option}` with the value `{value}`; leave it out"
                )));
            }
            self.options.set(option, value);
        }
        Ok(())
    }

    /// Puts the columns of the rows in the order and under the names of the table's.
    fn select_columns(&mut self, name: &str, schema: &SchemaRef) -> Result<()> {
        let rows = shown_schema(self.plan.schema().as_arrow());
        refuse_twins(&rows, &format!("table `{name}`"))?;
        let mut columns = vec![];
        for wanted in schema.fields() {
            let mut same = rows.fields().iter().enumerate().filter(|(_, field)| {
                field.name().eq_ignore_ascii_case(wanted.name())
                    && field.data_type() == wanted.data_type()
            });
            let Some((at, _)) = same.next() else {
                return Err(Error::invalid(format!(
                    "table `{name}` has a column `{}` of type {}, and the rows have none; add it to the query",
                    wanted.name(),
                    wanted.data_type()
                )));
            };
            let column = self.plan.schema().columns().swap_remove(at);
            columns.push(Expr::Column(column).alias(wanted.name()));
        }
        if let Some(extra) = rows.fields().iter().find(|field| {
            !schema.fields().iter().any(|known| known.name().eq_ignore_ascii_case(field.name()))
        }) {
            return Err(Error::invalid(format!(
                "the rows have a column `{}` that table `{name}` has not; leave it out of the query",
                extra.name()
            )));
        }
        if rows.fields().iter().zip(schema.fields()).any(|(a, b)| a.name() != b.name()) {
            let plan = LogicalPlanBuilder::from(self.plan.clone()).project(columns)?.build()?;
            self.plan = plan;
        }
        Ok(())
    }
}

/// What a table says whose files could be written, but not be read with what was said of them: the
/// error is about reading, and nobody has asked for that.
fn not_read_back(name: &str, error: Error) -> Error {
    let message = format!("table `{name}` could not be read back with these options: {error}");
    match error.kind() {
        ErrorKind::Invalid => Error::invalid(message),
        ErrorKind::Unsupported => Error::unsupported(message),
        _ => error,
    }
}
