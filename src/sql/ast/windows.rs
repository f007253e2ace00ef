//! Moves `window(time, width[, slide[, start]])` out of the expressions of a block.
//!
//! ```text
//!   SELECT window.start, count(*) FROM t GROUP BY window(ts, '1 minute')
//!   SELECT window.start, count(*) FROM <t with a column window> GROUP BY window
//! ```
//!
//! The relation below keeps the columns of FROM under their qualifiers. A column `window` that it
//! has already, of a window further down, stays reachable by its qualifier under another name.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Field, Fields};
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Query,
    Select, TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::error::{Error, Result};
use crate::event_time::interval::parse_interval;
use crate::event_time::window::WindowSpec;
use crate::operators::window_assign::WINDOW_COLUMN;
use crate::sql::ast::bind_expr::{Aliases, Names};
use crate::sql::ast::binder::Binder;
use crate::sql::ast::from::{one_row, single_relation};
use crate::sql::ast::scope::{Column, Relation, Scope, same};
use crate::sql::marker;
use crate::sql::relation_planner::INPUT_WINDOW_COLUMN;
use crate::sql::tables::parts_of;
use crate::sql::types;

/// All window functions of a block, of its subqueries none.
pub(super) fn collect(select: &Select, order: &[&mut Expr]) -> Result<Vec<Function>> {
    let mut calls = Calls::default();
    let mut flow = select.projection.visit(&mut calls);
    if flow.is_continue() {
        flow = select.group_by.visit(&mut calls);
    }
    for expr in [&select.having, &select.qualify].into_iter().flatten() {
        if flow.is_continue() {
            flow = expr.visit(&mut calls);
        }
    }
    for expr in order {
        if flow.is_continue() {
            flow = (**expr).visit(&mut calls);
        }
    }
    match flow {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(calls.found),
    }
}

/// Refuses window functions where rows are not yet in windows.
pub(super) fn refuse(expr: &Expr, clause: &str) -> Result<()> {
    let mut calls = Calls::default();
    if let ControlFlow::Break(error) = expr.visit(&mut calls) {
        return Err(error);
    }
    if calls.found.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "window(..) cannot stand in {clause}; put it into SELECT of a subquery and filter its column `window`"
    )))
}

/// Gives columns `window` of the input another name, to make room for the new one.
pub(super) fn hide_input_windows(scope: &mut Scope) {
    for column in scope.relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        if same(&column.name, WINDOW_COLUMN) {
            INPUT_WINDOW_COLUMN.clone_into(&mut column.written);
        }
    }
}

/// Puts the relation with windows below and the column `window` in place of the functions.
pub(super) fn place(
    binder: &mut Binder<'_>,
    calls: &[Function],
    select: &mut Select,
    order: &mut [&mut Expr],
    scope: &mut Scope,
) -> Result<()> {
    let names = Names { scope, aliases: Aliases::None };
    let mut distinct: Vec<(Expr, WindowSpec)> = Vec::new();
    for call in calls {
        let (mut time, spec) = arguments(call)?;
        binder.expr(&mut time, &names)?;
        if !distinct.iter().any(|(t, s)| *s == spec && t.to_string() == time.to_string()) {
            distinct.push((time, spec));
        }
    }
    if distinct.len() > 1 {
        return Err(Error::invalid(
            "multiple time windows in one query block are not supported, they would multiply the rows; use one window, or a subquery for the other",
        ));
    }
    let Some((time, spec)) = distinct.pop() else { return Ok(()) };
    let window_type = window_type(binder.type_of(&time, &names));
    let input = if select.from.is_empty() {
        one_row()?
    } else {
        single_relation(std::mem::take(&mut select.from))?
    };
    select.from =
        vec![TableWithJoins { relation: marker::window(input, time, spec), joins: Vec::new() }];
    let window = Column::new(WINDOW_COLUMN, Some(window_type));
    scope.relations.push(Relation::new(Vec::new(), vec![window]));
    replace(select, order);
    Ok(())
}

fn replace(select: &mut Select, order: &mut [&mut Expr]) {
    let mut replacer = Replacer { depth: 0 };
    let _projection: ControlFlow<()> = VisitMut::visit(&mut select.projection, &mut replacer);
    if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
        let _group: ControlFlow<()> = VisitMut::visit(exprs, &mut replacer);
    }
    for expr in [&mut select.having, &mut select.qualify].into_iter().flatten() {
        let _filter: ControlFlow<()> = VisitMut::visit(expr, &mut replacer);
    }
    for expr in order {
        let _order: ControlFlow<()> = VisitMut::visit(&mut **expr, &mut replacer);
    }
}

/// The time and the windows of a call.
fn arguments(call: &Function) -> Result<(Expr, WindowSpec)> {
    let wrong = || {
        Error::invalid(format!(
            "`{call}` is no window; write window(time, 'duration'[, 'slide'[, 'start']]), such as window(ts, '10 minutes')"
        ))
    };
    let FunctionArguments::List(list) = &call.args else { return Err(wrong()) };
    let exprs: Vec<&Expr> = list
        .args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
            _ => Err(wrong()),
        })
        .collect::<Result<_>>()?;
    let [time, durations @ ..] = exprs.as_slice() else { return Err(wrong()) };
    let micros: Vec<i64> =
        durations.iter().map(|expr| duration(expr).ok_or_else(wrong)?).collect::<Result<_>>()?;
    let spec = match micros.as_slice() {
        [width] => WindowSpec::try_new(*width, *width, 0),
        [width, slide] => WindowSpec::try_new(*width, *slide, 0),
        [width, slide, start] => WindowSpec::try_new(*width, *slide, *start),
        _ => return Err(wrong()),
    };
    Ok(((*time).clone(), spec?))
}

fn duration(expr: &Expr) -> Option<Result<i64>> {
    let text = match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text,
            _ => return None,
        },
        Expr::Interval(interval) => return duration(&interval.value),
        _ => return None,
    };
    Some(parse_interval(text).and_then(|interval| {
        if interval.months == 0 {
            return Ok(interval.micros);
        }
        Err(Error::invalid(format!(
            "the duration `{text}` of a window has months or years, which differ in length; use days or weeks"
        )))
    }))
}

/// The type of the column `window`, after the type of the time.
fn window_type(time: Option<DataType>) -> DataType {
    let bound = match time {
        Some(ntz @ DataType::Timestamp(_, None)) => ntz,
        Some(DataType::Struct(fields)) => {
            fields.first().map_or_else(types::timestamp, |field| field.data_type().clone())
        }
        _ => types::timestamp(),
    };
    DataType::Struct(Fields::from(vec![
        Field::new("start", bound.clone(), true),
        Field::new("end", bound, true),
    ]))
}

fn is_call(function: &Function, name: &str) -> bool {
    let parts = parts_of(&function.name);
    matches!(parts.as_slice(), [only] if only.value.eq_ignore_ascii_case(name))
        && function.over.is_none()
}

/// Finds the window functions of one block.
#[derive(Default)]
struct Calls {
    found: Vec<Function>,
    depth: usize,
}

impl Visitor for Calls {
    type Break = Error;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if self.depth == 0
            && let Expr::Function(function) = expr
        {
            if is_call(function, "session_window") {
                return ControlFlow::Break(Error::unsupported(
                    "session_window(..) is not supported yet; use window(..)",
                ));
            }
            if is_call(function, WINDOW_COLUMN) {
                self.found.push(function.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

/// Puts the column in place of the functions of one block.
struct Replacer {
    depth: usize,
}

impl VisitorMut for Replacer {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Function(function) = expr
            && is_call(function, WINDOW_COLUMN)
        {
            *expr = Expr::Identifier(Ident::new(WINDOW_COLUMN));
        }
        ControlFlow::Continue(())
    }
}
