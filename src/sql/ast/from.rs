//! FROM as one relation, and what stands in a block itself and not in its subqueries.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, Query, TableFactor, TableWithJoins, Visit,
    Visitor,
};

use crate::error::{Error, Result};
use crate::sql::dialect;

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

/// A relation of one row, whose only column nobody asks for.
pub(super) fn one_row() -> Result<TableFactor> {
    let query = dialect::parse_query(dialect::tokenize("SELECT 1 AS `__millstream_one`")?)?;
    Ok(TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(sqlparser::ast::TableAlias {
            explicit: true,
            name: Ident::new("__millstream_one"),
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
