//! VALUES, whose columns are called col1, col2 and so on, and `range(..)`, whose column is `id`.

use sqlparser::ast::{
    Ident, ObjectName, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableFunctionArgs,
    Values,
};

use crate::error::{Error, Result};
use crate::sql::dialect;
use crate::sql::tables::parts_of;

/// The column of `range(..)`.
pub(super) const RANGE_COLUMN: &str = "id";

/// The name of a column of VALUES, the first of which has the number 1.
pub(super) fn column(number: usize) -> String {
    format!("col{number}")
}

/// A query of VALUES as one that selects from them under Spark's names.
pub(super) fn selected(values: Values, width: usize) -> Result<SetExpr> {
    const NAME: &str = "__millstream_values";
    let text = format!("SELECT * FROM (VALUES (1)) AS {NAME}");
    let mut query = dialect::parse_query(dialect::tokenize(&text)?)?;
    let wrong = || Error::internal("VALUES lost its place");
    let SetExpr::Select(select) = &mut *query.body else { return Err(wrong()) };
    let relation = select.from.first_mut().map(|from| &mut from.relation);
    let Some(TableFactor::Derived { subquery, alias: Some(alias), .. }) = relation else {
        return Err(wrong());
    };
    alias.columns = (1..=width).map(|at| definition(&column(at))).collect();
    *subquery.body = SetExpr::Values(values);
    Ok(*query.body)
}

fn definition(name: &str) -> TableAliasColumnDef {
    TableAliasColumnDef { name: Ident::with_quote('`', name), data_type: None }
}

/// Whether a relation is `range(..)`.
pub(super) fn is_range(name: &ObjectName) -> bool {
    matches!(parts_of(name).as_slice(), [only] if only.value.eq_ignore_ascii_case("range"))
}

/// Gives `range(..)` its column, and takes the number of partitions away.
pub(super) fn name_range(args: &mut TableFunctionArgs, alias: &mut Option<TableAlias>) {
    args.args.truncate(3);
    let alias = alias.get_or_insert_with(|| TableAlias {
        explicit: true,
        name: Ident::with_quote('`', "range"),
        columns: Vec::new(),
        at: None,
    });
    if alias.columns.is_empty() {
        alias.columns.push(definition(RANGE_COLUMN));
    }
}
