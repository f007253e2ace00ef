//! Tells casts apart from what they cast: `sum(v), sum(CAST(v AS DOUBLE))`.
//!
//! DataFusion gives both one name, and refuses two columns of one name. Where that would happen in
//! a block, each of its casts is put into a call that is named after the type.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, GroupByExpr, Query, Select, SelectItem, Value,
    Visit, VisitMut, Visitor, VisitorMut, visit_expressions,
};

use crate::sql::ast::spelling::{call, plain_name};
use crate::sql::functions::cast_as::CAST_AS;

/// Names the casts of a block, where two columns would have one name.
pub(super) fn tell_apart(
    select: &mut Select,
    order: &mut [&mut Expr],
    is_aggregate: &(dyn Fn(&str) -> bool + Sync),
) {
    let mut found = Found { is_aggregate, by_name: HashMap::new(), depth: 0, clash: false };
    let _ = Visit::visit(&select.projection, &mut found);
    let _ = Visit::visit(&select.having, &mut found);
    if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
        exprs.iter().for_each(|expr| found.add(expr));
        // A key may be the position or the alias of a column.
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }
                    if !exprs.is_empty() && is_cast(expr) =>
                {
                    found.add(expr);
                }
                _ => (),
            }
        }
    }
    if !found.clash {
        return;
    }
    let mut namer = Namer { depth: 0 };
    let _ = VisitMut::visit(&mut select.projection, &mut namer);
    let _ = VisitMut::visit(&mut select.group_by, &mut namer);
    let _ = VisitMut::visit(&mut select.having, &mut namer);
    let _ = VisitMut::visit(&mut select.qualify, &mut namer);
    for expr in order {
        let _ = VisitMut::visit(*expr, &mut namer);
    }
}

/// Whether an expression is a cast.
pub(super) fn is_cast(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { .. } => true,
        Expr::Nested(inner) => is_cast(inner),
        _ => false,
    }
}

/// Looks for two expressions that differ in casts alone.
struct Found<'a> {
    is_aggregate: &'a (dyn Fn(&str) -> bool + Sync),
    /// Expressions as text, by their text without casts.
    by_name: HashMap<String, String>,
    depth: usize,
    clash: bool,
}

impl Found<'_> {
    fn add(&mut self, expr: &Expr) {
        let mut bare = expr.clone();
        let _ = VisitMut::visit(&mut bare, &mut Stripper);
        let (name, text) = (bare.to_string(), expr.to_string());
        let known = self.by_name.entry(name).or_insert_with(|| text.clone());
        self.clash |= *known != text;
    }
}

impl Visitor for Found<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && self.depth == 0
            && (function.over.is_some() || self.is_aggregate(function))
        {
            self.add(expr);
        }
        ControlFlow::Continue(())
    }
}

impl Found<'_> {
    fn is_aggregate(&self, function: &Function) -> bool {
        plain_name(function).is_some_and(|name| (self.is_aggregate)(&name))
    }
}

/// Takes the casts out of an expression.
struct Stripper;

impl VisitorMut for Stripper {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        while let Expr::Cast { expr: inner, .. } | Expr::Nested(inner) = expr {
            *expr = (**inner).clone();
        }
        ControlFlow::Continue(())
    }
}

/// Puts each cast that is no constant into a call.
struct Namer {
    depth: usize,
}

impl VisitorMut for Namer {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Cast { expr: inner, data_type, kind, .. } = &*expr else {
            return ControlFlow::Continue(());
        };
        let has_column = visit_expressions(&**inner, |part| match part {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        if self.depth == 0 && has_column.is_break() {
            let name = format!("{kind:?} {data_type}");
            let name = Expr::value(Value::SingleQuotedString(name));
            let arguments =
                [expr.clone(), name].map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed);
            *expr = call(CAST_AS, arguments.to_vec());
        }
        ControlFlow::Continue(())
    }
}
