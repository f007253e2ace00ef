//! Finds what is wrong with a script before any of its statements is run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider,
};
use datafusion::execution::SessionState;

use crate::config::Trigger;
use crate::error::{Error, Result};
use crate::query::manager::runs_already;
use crate::session::builtin;
use crate::session::session::StreamSession;
use crate::session::statement::{Purpose, run};
use crate::sql::statement::{CreateTable, Statement};

/// What was found of a statement that is not wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checked {
    /// It can be run.
    Good,
    /// Whether it can be run is known only when the statement with this number, counted from 1,
    /// has been run: it reads what that one makes.
    DependsOn(usize),
}

/// Checks each statement in a session of its own, which has the tables of those before.
pub(super) async fn check(
    session: &StreamSession,
    statements: &[Statement],
) -> Result<Vec<Result<Checked>>> {
    let mut check = ScriptCheck {
        session: session.copy().await?,
        endless: BTreeSet::new(),
        started: BTreeSet::new(),
        writes_files: None,
        unknown: BTreeMap::new(),
    };
    let mut found = Vec::with_capacity(statements.len());
    for (at, statement) in statements.iter().enumerate() {
        found.push(check.statement(at + 1, statement).await);
    }
    Ok(found)
}

struct ScriptCheck {
    session: StreamSession,
    /// The queries that would run by now, for as long as nobody stops them.
    endless: BTreeSet<String>,
    /// The queries that were started and may run still, in lower case.
    started: BTreeSet<String>,
    /// The first statement that would have written files.
    writes_files: Option<usize>,
    /// The statements that would have made a table or a query of this name, if they were right.
    unknown: BTreeMap<String, usize>,
}

impl ScriptCheck {
    async fn statement(&mut self, number: usize, statement: &Statement) -> Result<Checked> {
        if let Statement::StopStreamingQuery { name, .. } = statement
            && self.started.remove(&name.to_lowercase())
        {
            self.endless.retain(|known| !known.eq_ignore_ascii_case(name));
            return Ok(Checked::Good);
        }
        let checked = match self.start(statement) {
            Ok(()) => Box::pin(run(&self.session, statement.clone(), Purpose::Check)).await,
            Err(error) => Err(error),
        };
        if writes_files(statement) {
            self.writes_files.get_or_insert(number);
        }
        match checked {
            Ok(_frame) => Ok(Checked::Good),
            Err(error) => {
                let depends = self.depends_on(statement, &error);
                if let Some(name) = made_by(statement) {
                    self.unknown.insert(name.to_lowercase(), number);
                }
                depends.map(Checked::DependsOn).ok_or(error)
            }
        }
    }

    /// Keeps in mind which queries a statement starts, and refuses a second one of a name.
    fn start(&mut self, statement: &Statement) -> Result<()> {
        let Statement::CreateStreamingTable(create) = statement else { return Ok(()) };
        if self.endless.contains(&create.name) && !create.if_not_exists {
            return Err(runs_already(&create.name));
        }
        self.started.insert(create.name.to_lowercase());
        match create.trigger {
            Trigger::Once | Trigger::AvailableNow => (),
            Trigger::ProcessingTime(_) | Trigger::Continuous(_) => {
                self.endless.insert(create.name.clone());
            }
        }
        Ok(())
    }

    /// The statement before that may make what was not found.
    fn depends_on(&self, statement: &Statement, error: &Error) -> Option<usize> {
        let finds_columns = matches!(
            statement,
            Statement::CreateTable(CreateTable { schema: None, query: None, .. })
        );
        if let Some(number) = self.writes_files.filter(|_| error.is_missing_path() || finds_columns)
        {
            return Some(number);
        }
        match error {
            Error::NotFound { name, .. } => self.unknown.get(&name.to_lowercase()).copied(),
            _ => None,
        }
    }
}

/// The name that can be used when the statement has been run.
fn made_by(statement: &Statement) -> Option<&str> {
    match statement {
        Statement::CreateTable(create) => Some(&create.name),
        Statement::CreateStreamingTable(create) => Some(&create.name),
        Statement::CreateView { name, .. } => Some(name),
        _ => None,
    }
}

/// Whether files are there afterwards that may not have been there before.
fn writes_files(statement: &Statement) -> bool {
    match statement {
        Statement::CreateStreamingTable(create) => {
            create.format.as_deref().is_some_and(builtin::writes_files)
        }
        Statement::CreateTable(create) => {
            create.query.is_some() && create.options.get("path").is_some()
        }
        _ => false,
    }
}

/// The catalogs of a session, of which the default schema can be changed without changing that of
/// the session.
pub(super) async fn own_catalogs(state: &SessionState) -> Result<Arc<dyn CatalogProviderList>> {
    let defaults = &state.config_options().catalog;
    let list = MemoryCatalogProviderList::new();
    for name in state.catalog_list().catalog_names() {
        let Some(catalog) = state.catalog_list().catalog(&name) else { continue };
        let catalog = if name == defaults.default_catalog {
            Arc::new(own_schema(catalog.as_ref(), &defaults.default_schema).await?)
        } else {
            catalog
        };
        list.register_catalog(name, catalog);
    }
    Ok(Arc::new(list))
}

async fn own_schema(catalog: &dyn CatalogProvider, own: &str) -> Result<MemoryCatalogProvider> {
    let copy = MemoryCatalogProvider::new();
    for name in catalog.schema_names() {
        let Some(schema) = catalog.schema(&name) else { continue };
        let schema = if name == own { own_tables(schema.as_ref()).await? } else { schema };
        copy.register_schema(&name, schema)?;
    }
    Ok(copy)
}

async fn own_tables(schema: &dyn SchemaProvider) -> Result<Arc<dyn SchemaProvider>> {
    let copy = MemorySchemaProvider::new();
    for name in schema.table_names() {
        if let Some(table) = schema.table(&name).await? {
            copy.register_table(name, table)?;
        }
    }
    Ok(Arc::new(copy))
}
