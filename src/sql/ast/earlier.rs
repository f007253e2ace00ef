//! Columns of SELECT that those behind them in the same SELECT name: `SELECT v + 1 AS a, a * 2`.
//!
//! While an expression is resolved, a reserved name stands for such a column; then the expression
//! of the column, which was resolved before, takes its place.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, Expr, Function, Ident, Query, Value, VisitMut, VisitorMut, WindowType,
    visit_expressions,
};

use crate::error::{Error, Result};
use crate::sql::ast::scope::same;
use crate::sql::ast::spelling::{RANDOM, plain_name};

const PLACE: &str = "__millstream_earlier_";

/// A column that was named before.
#[derive(Debug, Clone)]
pub(super) struct Earlier {
    pub(super) name: String,
    /// What it is, with its names resolved.
    pub(super) expr: Expr,
}

/// The column that a name begins with, if it is one of `earlier`.
///
/// # Errors
/// `Invalid` for a name that two of them have.
pub(super) fn find(name: &Ident, earlier: &[Earlier]) -> Result<Option<usize>> {
    let mut found = earlier.iter().enumerate().filter(|(_, one)| same(&one.name, &name.value));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Error::invalid(format!(
            "`{}` could be either of two columns before it in SELECT; rename one",
            name.value
        ))),
        (first, _) => Ok(first.map(|(at, _)| at)),
    }
}

/// What stands for the column at `at`, and fields of it, until [`fill`].
pub(super) fn place(at: usize, fields: &[Ident]) -> Expr {
    let root = Expr::Identifier(Ident::with_quote('`', format!("{PLACE}{at}")));
    if fields.is_empty() {
        return root;
    }
    let field = |field: &Ident| {
        AccessExpr::Dot(Expr::value(Value::SingleQuotedString(field.value.clone())))
    };
    let access_chain = fields.iter().map(field).collect();
    Expr::CompoundFieldAccess { root: Box::new(root), access_chain }
}

/// Puts the columns in their places.
///
/// # Errors
/// `Unsupported` for a column in a window function, and for one that would be another each time.
pub(super) fn fill(expr: &mut Expr, earlier: &[Earlier]) -> Result<()> {
    if earlier.is_empty() {
        return Ok(());
    }
    let mut filler = Filler { earlier, depth: 0 };
    match VisitMut::visit(expr, &mut filler) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn place_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Identifier(name) => name.value.strip_prefix(PLACE)?.parse().ok(),
        _ => None,
    }
}

struct Filler<'a> {
    earlier: &'a [Earlier],
    depth: usize,
}

impl VisitorMut for Filler<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if let Expr::Function(Function { over: Some(WindowType::WindowSpec(_)), .. }) = expr
            && visit_expressions(expr, |inner| match place_of(inner) {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            })
            .is_break()
        {
            return ControlFlow::Break(Error::unsupported(
                "a window function cannot use a column of the same SELECT; compute it in a subquery",
            ));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Some(column) = place_of(expr).and_then(|at| self.earlier.get(at)) else {
            return ControlFlow::Continue(());
        };
        if self.depth > 0 || differs(&column.expr) {
            return ControlFlow::Break(Error::unsupported(format!(
                "`{}` cannot be used in the same SELECT: it would be computed a second time, and come out otherwise; compute it in a subquery",
                column.name
            )));
        }
        *expr = Expr::Nested(Box::new(column.expr.clone()));
        ControlFlow::Continue(())
    }
}

/// Whether an expression may come out otherwise when it is computed again.
fn differs(expr: &Expr) -> bool {
    visit_expressions(expr, |inner| match inner {
        Expr::Function(function)
            if plain_name(function).is_some_and(|name| RANDOM.contains(&name.as_str())) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}
