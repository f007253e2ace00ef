//! What the parser takes and DataFusion would pass over in silence.

use sqlparser::ast::{GroupByExpr, Query, Select, TableFactor};

use crate::error::{Error, Result};

/// Refuses the clauses of a query that nothing would act on.
pub(super) fn query(query: &Query) -> Result<()> {
    first_of(&[
        (!query.locks.is_empty(), "FOR UPDATE"),
        (query.for_clause.is_some(), "FOR"),
        (query.settings.is_some(), "SETTINGS"),
        (query.format_clause.is_some(), "FORMAT"),
        (query.fetch.is_some(), "FETCH; write LIMIT, FETCH"),
        (!query.pipe_operators.is_empty(), "|>"),
    ])
}

/// Refuses the clauses of a block that nothing would act on.
pub(super) fn select(select: &Select) -> Result<()> {
    let has_modifier = match &select.group_by {
        GroupByExpr::Expressions(_, modifiers) | GroupByExpr::All(modifiers) => {
            !modifiers.is_empty()
        }
    };
    first_of(&[
        (select.into.is_some(), "SELECT INTO"),
        (select.exclude.is_some(), "EXCLUDE"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (select.value_table_mode.is_some(), "SELECT AS"),
        (has_modifier, "what stands behind GROUP BY"),
    ])
}

/// Refuses what stands behind a relation and nothing would act on.
pub(super) fn relation(factor: &TableFactor) -> Result<()> {
    match factor {
        TableFactor::Table { version, with_hints, sample, partitions, index_hints, .. } => {
            first_of(&[
                (sample.is_some(), "TABLESAMPLE"),
                (version.is_some(), "AS OF"),
                (
                    !with_hints.is_empty(),
                    "WITH (..) behind a table; options belong to CREATE TABLE, WITH",
                ),
                (!partitions.is_empty(), "PARTITION"),
                (!index_hints.is_empty(), "an index hint"),
            ])
        }
        TableFactor::Derived { sample, .. } => first_of(&[(sample.is_some(), "TABLESAMPLE")]),
        _ => Ok(()),
    }
}

fn first_of(clauses: &[(bool, &str)]) -> Result<()> {
    match clauses.iter().find(|(is_there, _)| *is_there) {
        Some((_, clause)) => Err(Error::unsupported(format!("{clause} is not supported"))),
        None => Ok(()),
    }
}
