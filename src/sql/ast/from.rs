//! FROM as one relation, and what stands in a block itself and not in its subqueries.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Query, SetExpr,
    TableAlias, TableFactor, TableWithJoins, Visit, Visitor,
};

use crate::error::{Error, Result};
use crate::sql::dialect;

/// The name of a relation of one row, and of its column.
pub(super) const ONE: &str = "__millstream_one";

/// FROM as one relation: what commas separate is joined without a condition.
pub(super) fn single_relation(from: Vec<TableWithJoins>) -> Result<TableFactor> {
    let mut items = from.into_iter();
    let Some(mut all) = items.next() else {
        return Err(Error::invalid("window(..) needs a relation; add FROM"));
    };
    for item in items {
        let relation = item.relation;
        let join_operator = JoinOperator::CrossJoin(JoinConstraint::None);
        all.joins.push(Join { relation, global: false, join_operator });
        all.joins.extend(item.joins);
    }
    Ok(TableFactor::NestedJoin { table_with_joins: Box::new(all), alias: None })
}

/// `(SELECT * FROM joined) alias`
pub(super) fn derived(joined: TableWithJoins, alias: Option<TableAlias>) -> Result<TableFactor> {
    let mut query = dialect::parse_query(dialect::tokenize("SELECT * FROM joined")?)?;
    if let SetExpr::Select(select) = &mut *query.body {
        select.from = vec![joined];
    }
    Ok(TableFactor::Derived { lateral: false, subquery: Box::new(query), alias, sample: None })
}

/// `name(args) alias`
pub(super) fn table_call(
    called: ObjectName,
    arguments: Vec<FunctionArg>,
    as_alias: Option<TableAlias>,
) -> Result<TableFactor> {
    let query = dialect::parse_query(dialect::tokenize("SELECT * FROM called(1)")?)?;
    let SetExpr::Select(select) = *query.body else {
        return Err(Error::internal("a query that is no SELECT"));
    };
    let item = select.from.into_iter().next();
    let mut factor = item.ok_or_else(|| Error::internal("a FROM without a relation"))?.relation;
    if let TableFactor::Table { name, args: Some(args), alias, .. } = &mut factor {
        (*name, args.args, *alias) = (called, arguments, as_alias);
    }
    Ok(factor)
}

/// A relation of one row, whose only column nobody asks for.
pub(super) fn one_row() -> Result<TableFactor> {
    let query = dialect::parse_query(dialect::tokenize(&format!("SELECT 1 AS `{ONE}`"))?)?;
    Ok(TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(TableAlias {
            explicit: true,
            name: Ident::new(ONE),
            columns: Vec::new(),
            at: None,
        }),
        sample: None,
    })
}

/// The first answer that `ask` gives for an expression of this block.
pub(super) fn find_in_block<T>(node: &impl Visit, ask: impl Fn(&Expr) -> Option<T>) -> Option<T> {
    let mut search = Search { ask, depth: 0 };
    match node.visit(&mut search) {
        ControlFlow::Break(found) => Some(found),
        ControlFlow::Continue(()) => None,
    }
}

struct Search<A> {
    ask: A,
    depth: usize,
}

impl<T, A: Fn(&Expr) -> Option<T>> Visitor for Search<A> {
    type Break = T;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<T> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<T> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<T> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        (self.ask)(expr).map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}
