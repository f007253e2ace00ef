//! The static tables of a plan that change while the query runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{LogicalPlan, TableScan};

use crate::connector::versioned::{RefreshedTable, VersionedTable};
use crate::error::Result;
use crate::operators::scan::CatalogTable;
use crate::operators::table_scan::NamedTable;

/// The tables that a query refreshes between its epochs, by the names that they have in its
/// offset log.
pub type StaticTables = BTreeMap<String, Arc<dyn VersionedTable>>;

/// Makes the scans of tables that change read the version that an epoch names, in so many
/// partitions; gives the tables.
///
/// # Errors
/// Those of walking the plan.
pub fn name_tables(plan: LogicalPlan, partitions: usize) -> Result<(LogicalPlan, StaticTables)> {
    let mut tables = StaticTables::new();
    let named = plan.transform_down_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            name_table(scan, partitions, &mut tables)
        } else {
            Ok(Transformed::no(node))
        }
    })?;
    Ok((named.data, tables))
}

fn name_table(
    mut scan: TableScan,
    partitions: usize,
    tables: &mut StaticTables,
) -> DfResult<Transformed<LogicalPlan>> {
    let provider = source_as_provider(&scan.source)?;
    let table = match provider.downcast_ref::<CatalogTable>() {
        Some(table) => table.refreshed(),
        None => provider.downcast_ref::<RefreshedTable>(),
    };
    let Some(table) = table else {
        return Ok(Transformed::no(LogicalPlan::TableScan(scan)));
    };
    let versions = table.versions();
    let name = name_of(&scan.table_name.to_string(), versions, tables);
    tables.insert(name.clone(), Arc::clone(versions));
    let named = NamedTable::new(name, Arc::clone(versions), partitions);
    scan.source = provider_as_source(Arc::new(named));
    Ok(Transformed::yes(LogicalPlan::TableScan(scan)))
}

/// The name that the query gave the table. Another table of that name, such as one that a view saw
/// before it was dropped and made anew, gets a number behind it.
fn name_of(given: &str, table: &Arc<dyn VersionedTable>, known: &StaticTables) -> String {
    let mut name = given.to_owned();
    let mut number = 1;
    while known.get(&name).is_some_and(|other| !Arc::ptr_eq(other, table)) {
        number += 1;
        name = format!("{given}#{number}");
    }
    name
}
