//! The tables that a query names, found without regard to case.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow::datatypes::SchemaRef;
use datafusion::execution::SessionState;
use sqlparser::ast::{Ident, ObjectName, Query, visit_relations};

use crate::connector::options::nearest;
use crate::error::{Error, Result};
use crate::sql::catalog::DATABASE;

/// The true name of a table and its columns.
#[derive(Debug, Clone)]
pub(super) struct KnownTable {
    /// As many parts as the user wrote, in their true spelling.
    pub(super) name: Vec<String>,
    /// The columns.
    pub(super) schema: SchemaRef,
}

/// The tables that a query names.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    found: HashMap<String, KnownTable>,
    others: Vec<String>,
}

impl Tables {
    /// Looks up every relation that `query` names; what is not there may still be the name of a
    /// common table expression.
    pub(super) async fn load(state: &SessionState, query: &Query) -> Result<Self> {
        let mut names: Vec<ObjectName> = Vec::new();
        let _all: ControlFlow<()> = visit_relations(query, |name| {
            names.push(name.clone());
            ControlFlow::Continue(())
        });
        let mut tables = Self::default();
        for name in names {
            tables.add(state, &parts_of(&name)).await?;
        }
        Ok(tables)
    }

    /// The table of this name.
    ///
    /// # Errors
    /// `NotFound` with the nearest name.
    pub(super) fn get(&self, parts: &[Ident]) -> Result<&KnownTable> {
        let name = key(&parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>());
        self.found.get(&name).ok_or_else(|| match parts {
            [path] if path.value.contains(['.', '/']) => Error::invalid(format!(
                "there is no table `{}`; for a file of that name write FROM '{}'",
                path.value, path.value
            )),
            _ => Error::NotFound {
                what: "table",
                nearest: nearest(&name, self.others.iter().map(String::as_str)).map(str::to_owned),
                name: parts.iter().map(|part| part.value.clone()).collect::<Vec<_>>().join("."),
            },
        })
    }

    async fn add(&mut self, state: &SessionState, parts: &[Ident]) -> Result<()> {
        let options = &state.config_options().catalog;
        let given: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
        let is_default = |name: &str| {
            let catalog = state.catalog_list().catalog(&options.default_catalog);
            name.eq_ignore_ascii_case(DATABASE)
                && catalog.is_none_or(|catalog| catalog.schema(name).is_none())
        };
        let name = match given.as_slice() {
            [database, table] if is_default(database) => vec![*table],
            _ => given.clone(),
        };
        let (catalog, schema, table) = match name.as_slice() {
            [table] => (options.default_catalog.as_str(), options.default_schema.as_str(), *table),
            [schema, table] => (options.default_catalog.as_str(), *schema, *table),
            [catalog, schema, table] => (*catalog, *schema, *table),
            _ => return Ok(()),
        };
        let Some(catalog_name) = pick("catalog", catalog, state.catalog_list().catalog_names())?
        else {
            return Ok(());
        };
        let Some(catalog) = state.catalog_list().catalog(&catalog_name) else { return Ok(()) };
        let Some(schema_name) = pick("database", schema, catalog.schema_names())? else {
            return Ok(());
        };
        let Some(schema) = catalog.schema(&schema_name) else { return Ok(()) };
        let names = schema.table_names();
        if self.others.is_empty() && name.len() == 1 {
            self.others.clone_from(&names);
        }
        let Some(table_name) = pick("table", table, names)? else { return Ok(()) };
        let Some(provider) = schema.table(&table_name).await? else { return Ok(()) };
        let full = [catalog_name, schema_name, table_name];
        let name = full[full.len() - name.len()..].to_vec();
        self.found.insert(key(&given), KnownTable { name, schema: provider.schema() });
        Ok(())
    }
}

/// The parts of a name.
pub(super) fn parts_of(name: &ObjectName) -> Vec<Ident> {
    name.0.iter().filter_map(|part| part.as_ident().cloned()).collect()
}

fn key(parts: &[&str]) -> String {
    parts.iter().map(|part| part.to_lowercase()).collect::<Vec<_>>().join(".")
}

/// The one of `names` that is the same but for case; an exact match goes first.
fn pick(what: &str, name: &str, names: Vec<String>) -> Result<Option<String>> {
    if names.iter().any(|other| other == name) {
        return Ok(Some(name.to_owned()));
    }
    let lower = name.to_lowercase();
    let mut same = names.into_iter().filter(|other| other.to_lowercase() == lower);
    match (same.next(), same.next()) {
        (Some(a), Some(b)) => Err(Error::invalid(format!(
            "the {what} `{name}` is ambiguous, it could be `{a}` or `{b}`; write it as it is spelled"
        ))),
        (only, _) => Ok(only),
    }
}
