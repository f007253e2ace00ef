//! Resolves the names of one expression.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query,
    Subscript, UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::error::{Error, Result};
use crate::sql::ast::binder::Binder;
use crate::sql::ast::earlier::Earlier;
use crate::sql::ast::grouping::Key;
use crate::sql::ast::lambdas::Lambdas;
use crate::sql::ast::scope::{Column, Found, Place, Scope, exact, same, spell_fields};
use crate::sql::ast::{
    aggregates, earlier, frames, interval_casts, likes, literals, spelling, time_calls,
};
use crate::sql::types;

/// What an expression can see.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The columns of FROM.
    pub(super) scope: &'a Scope,
    /// The columns of SELECT.
    pub(super) aliases: Aliases<'a>,
}

/// Whether an expression sees the columns of SELECT, and which win.
#[derive(Clone, Copy)]
pub(super) enum Aliases<'a> {
    /// It does not.
    None,
    /// Those before it, where FROM has no such name: SELECT.
    Before(&'a [Earlier]),
    /// Those of FROM win: GROUP BY.
    Last(&'a [Column]),
    /// Keys of the groups win, then those with an alias, but not inside of an aggregate: HAVING.
    Having(&'a [Earlier], &'a [Key]),
    /// Those of SELECT win: ORDER BY.
    First(&'a [Column]),
}

impl Names<'_> {
    /// What the arguments of an aggregate can see.
    const fn inside_aggregate(&self) -> Self {
        let aliases = match self.aliases {
            Aliases::Having(..) => Aliases::None,
            others => others,
        };
        Self { scope: self.scope, aliases }
    }
}

impl Binder<'_> {
    /// Resolves all names in `expr`, subqueries included.
    pub(super) fn expr(&mut self, expr: &mut Expr, names: &Names<'_>) -> Result<()> {
        self.visit(expr, names)
    }

    /// As [`expr`](Self::expr), where a whole number is the position of a column.
    pub(super) fn expr_or_position(&mut self, expr: &mut Expr, names: &Names<'_>) -> Result<()> {
        if literals::is_position(expr) { Ok(()) } else { self.visit(expr, names) }
    }

    fn visit(&mut self, node: &mut impl VisitMut, names: &Names<'_>) -> Result<()> {
        let lambdas = Lambdas::default();
        let mut visitor = Visitor { binder: self, names, depth: 0, aggregates: vec![], lambdas };
        match node.visit(&mut visitor) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// What a name stands for, in this block or in one around it.
    pub(super) fn find(&self, parts: &[Ident], names: &Names<'_>) -> Result<Option<Found>> {
        // Where SELECT has two of the name, that of FROM may still be meant.
        let mut ambiguous = None;
        if let Aliases::First(columns) = names.aliases {
            match find_alias(parts, columns) {
                Ok(None) => (),
                Ok(found) => return Ok(found),
                Err(error) => ambiguous = Some(error),
            }
        }
        match (names.scope.find(parts), names.aliases) {
            (Ok(Some(found)), _) => return Ok(Some(found)),
            (Ok(None), Aliases::Last(columns)) => {
                if let Some(found) = find_alias(parts, columns)? {
                    return Ok(Some(found));
                }
            }
            // The column that SELECT took tells two of FROM apart.
            (Err(error), Aliases::Last(columns)) => {
                return find_alias(parts, columns)?.map(Some).ok_or(error);
            }
            (Ok(None), _) => (),
            (Err(error), _) => return Err(error),
        }
        if let Some(error) = ambiguous {
            return Err(error);
        }
        for scope in self.outer.iter().rev() {
            if let Some(found) = scope.find(parts)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The name that DataFusion gives the column of an expression whose names are resolved; `None`
    /// for what is more than a column.
    pub(super) fn own_name(&self, expr: &Expr, names: &Names<'_>) -> Result<Option<String>> {
        match expr {
            Expr::Identifier(name) => Ok(Some(name.value.clone())),
            Expr::CompoundIdentifier(parts) => {
                if let Some(column) = names.scope.find_written(parts) {
                    return Ok(Some(column.written.clone()));
                }
                Ok(self
                    .find(parts, names)?
                    .filter(|found| found.parts.len() == found.qualifier_parts + 1)
                    .and_then(|found| found.parts.last().cloned()))
            }
            _ => Ok(None),
        }
    }

    /// Whether an expression is a column, and not a field of one.
    pub(super) fn is_column(&self, expr: &Expr, names: &Names<'_>) -> Result<bool> {
        let parts = match expr {
            Expr::Identifier(name) => std::slice::from_ref(name),
            Expr::CompoundIdentifier(parts) => parts,
            _ => return Ok(false),
        };
        let found = self.find(parts, names)?;
        Ok(found.is_some_and(|found| found.parts.len() == found.qualifier_parts + 1))
    }

    /// The column that a function without parentheses, such as `current_date`, stands for where there
    /// is one of its name.
    pub(super) fn column_called(
        &self,
        function: &Function,
        names: &Names<'_>,
    ) -> Result<Option<Ident>> {
        let (FunctionArguments::None, [part]) = (&function.args, function.name.0.as_slice()) else {
            return Ok(None);
        };
        let Some(name) = part.as_ident() else { return Ok(None) };
        let is_column = self.is_column(&Expr::Identifier(name.clone()), names)?;
        Ok(is_column.then(|| name.clone()))
    }

    /// The type of an expression whose names are resolved, where it shows without planning.
    pub(super) fn type_of(&self, expr: &Expr, names: &Names<'_>) -> Option<DataType> {
        match expr {
            Expr::Identifier(name) => self.find(std::slice::from_ref(name), names).ok()??.data_type,
            Expr::CompoundIdentifier(parts) => match names.scope.find_written(parts) {
                Some(column) => column.data_type.clone(),
                None => self.find(parts, names).ok()??.data_type,
            },
            Expr::Nested(inner) => self.type_of(inner, names),
            Expr::Cast { data_type, .. } => types::arrow_type(data_type).ok(),
            Expr::TypedString(typed) => types::arrow_type(&typed.data_type).ok(),
            Expr::Function(function) => record_type(function),
            _ => None,
        }
    }

    /// Whether an expression is a call of an aggregate, and not over a window.
    fn is_aggregate(&self, expr: &Expr) -> bool {
        let Expr::Function(function) = expr else { return false };
        let name = spelling::plain_name(function);
        function.over.is_none() && name.is_some_and(|name| (self.is_aggregate)(&name))
    }

    /// Whether a name begins with a column before it in SELECT, where FROM has no such column or
    /// those of SELECT win.
    pub(super) fn is_earlier(&self, parts: &[Ident], names: &Names<'_>) -> Result<bool> {
        let Some(first) = parts.first() else { return Ok(false) };
        match names.aliases {
            Aliases::Before(_) if names.scope.find(parts)?.is_some() => Ok(false),
            Aliases::Having(_, keys) if keys.iter().any(|key| key.is_of(parts, names.scope)) => {
                Ok(false)
            }
            Aliases::Before(_) | Aliases::Having(..) => Ok(self.earlier(first, names)?.is_some()),
            _ => Ok(false),
        }
    }

    fn earlier(&self, name: &Ident, names: &Names<'_>) -> Result<Option<usize>> {
        match names.aliases {
            Aliases::Before(all) | Aliases::Having(all, _) => earlier::find(name, all),
            _ => Ok(None),
        }
    }

    fn resolve(&mut self, expr: &mut Expr, names: &Names<'_>) -> Result<()> {
        match expr {
            Expr::Identifier(name) if self.is_earlier(std::slice::from_ref(name), names)? => {
                if let Some(at) = self.earlier(name, names)? {
                    *expr = earlier::place(at, &[]);
                }
                Ok(())
            }
            Expr::CompoundIdentifier(parts) if self.is_earlier(parts, names)? => {
                if let [first, fields @ ..] = parts.as_slice()
                    && let Some(at) = self.earlier(first, names)?
                {
                    *expr = earlier::place(at, fields);
                }
                Ok(())
            }
            Expr::Identifier(name) => {
                if let Some(found) = self.find(std::slice::from_ref(name), names)? {
                    *expr = match found.place {
                        // What stands in the call is resolved next.
                        Some(place) if !found.others.is_empty() => either(place, &found.others),
                        _ => written(&found, name),
                    };
                }
                Ok(())
            }
            Expr::CompoundIdentifier(parts) => {
                if let Some(found) = self.find(parts, names)?
                    && let Some(first) = parts.first()
                {
                    *expr = written(&found, first);
                }
                Ok(())
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, names)
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner }
                if matches!(**inner, Expr::Interval(_)) =>
            {
                let Expr::Interval(interval) = &**inner else { return Ok(()) };
                if let Some(call) = time_calls::literal(interval, -1)? {
                    *expr = call;
                }
                Ok(())
            }
            Expr::Interval(interval) => {
                if let Some(call) = time_calls::literal(interval, 1)? {
                    *expr = call;
                }
                Ok(())
            }
            Expr::Function(function) if self.column_called(function, names)?.is_some() => {
                if let Some(name) = self.column_called(function, names)? {
                    *expr = Expr::Identifier(name);
                }
                self.resolve(expr, names)
            }
            Expr::Function(function) => {
                aggregates::respell(function, self.is_ansi)?;
                spelling::respell(function)?;
                spelling::refuse_random_arguments(function, self.is_aggregate)
            }
            _ => Ok(()),
        }
    }

    /// In `t.s.a[0]` all names before the subscript belong together, as far as they are known.
    fn access_root(
        &mut self,
        root: &mut Expr,
        chain: &mut Vec<AccessExpr>,
        names: &Names<'_>,
    ) -> Result<()> {
        let Some(parts) = leading_name(root, chain) else { return Ok(()) };
        let Some(found) = self.find(&parts, names)? else { return Ok(()) };
        let Some(first) = parts.first() else { return Ok(()) };
        // What is a field stays in the chain, behind the column.
        let column = found.qualifier_parts + 1;
        let fields = found.parts[column..]
            .iter()
            .map(|field| AccessExpr::Dot(Expr::value(Value::SingleQuotedString(field.clone()))));
        let fields: Vec<_> = fields.collect();
        let taken = chain
            .iter()
            .take_while(|access| matches!(access, AccessExpr::Dot(Expr::Identifier(_))))
            .count();
        chain.splice(..taken, fields);
        *root = written(&Found { parts: found.parts[..column].to_vec(), ..found.clone() }, first);
        Ok(())
    }

    /// Fields of what is more than a name: `f(x).Field` becomes what DataFusion reads.
    fn access(
        &mut self,
        root: &mut Expr,
        chain: &mut Vec<AccessExpr>,
        names: &Names<'_>,
    ) -> Result<()> {
        self.access_root(root, chain, names)?;
        let mut data_type = self.type_of(root, names);
        for access in chain {
            match access {
                AccessExpr::Dot(Expr::Identifier(field)) => {
                    let mut spelled = Vec::new();
                    let one = std::slice::from_ref(&*field);
                    data_type = spell_fields(data_type.as_ref(), one, &mut spelled)?;
                    let text = spelled.pop().unwrap_or_default();
                    *access = AccessExpr::Dot(Expr::value(Value::SingleQuotedString(text)));
                }
                AccessExpr::Dot(Expr::Value(value)) => {
                    let field = match &value.value {
                        Value::SingleQuotedString(text) => Ident::new(text),
                        _ => return Ok(()),
                    };
                    let one = std::slice::from_ref(&field);
                    data_type = spell_fields(data_type.as_ref(), one, &mut Vec::new())?;
                }
                AccessExpr::Dot(_) => data_type = None,
                AccessExpr::Subscript(Subscript::Index { .. } | Subscript::Slice { .. }) => {
                    data_type = match data_type {
                        Some(DataType::List(item)) => Some(item.data_type().clone()),
                        _ => None,
                    };
                }
            }
        }
        Ok(())
    }
}

/// The type that a call of `from_json` or `from_csv` names.
fn record_type(function: &Function) -> Option<DataType> {
    let name = spelling::plain_name(function)?;
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.as_slice() {
        [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(schema))), ..]
            if matches!(name.as_str(), "from_json" | "from_csv") =>
        {
            types::parse_type(&schema.value.clone().into_string()?).ok()
        }
        _ => None,
    }
}

/// The name that a chain of fields begins with.
fn leading_name(root: &Expr, chain: &[AccessExpr]) -> Option<Vec<Ident>> {
    let mut parts = match root {
        Expr::Identifier(name) => vec![name.clone()],
        Expr::CompoundIdentifier(parts) => parts.clone(),
        _ => return None,
    };
    parts.extend(chain.iter().map_while(|access| match access {
        AccessExpr::Dot(Expr::Identifier(field)) => Some(field.clone()),
        _ => None,
    }));
    Some(parts)
}

/// The first of these columns that is not null.
pub(super) fn either(first: Place, others: &[Place]) -> Expr {
    if others.is_empty() {
        return exact(first);
    }
    let all = std::iter::once(&first).chain(others).map(|place| exact(*place));
    let all = all.map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed);
    spelling::call("coalesce", all.collect())
}

/// A name in its true spelling; it keeps its place in the user's text.
fn written(found: &Found, place: &Ident) -> Expr {
    let ident =
        |name: &String| Ident { value: name.clone(), quote_style: Some('`'), span: place.span };
    match found.parts.as_slice() {
        [only] => Expr::Identifier(ident(only)),
        parts => Expr::CompoundIdentifier(parts.iter().map(ident).collect()),
    }
}

fn find_alias(parts: &[Ident], columns: &[Column]) -> Result<Option<Found>> {
    let [name, fields @ ..] = parts else { return Ok(None) };
    let mut matches = columns.iter().filter(|column| same(&column.name, &name.value));
    let Some(column) = matches.next() else { return Ok(None) };
    if let Some(other) = matches.next() {
        return Err(Error::invalid(format!(
            "the column `{}` is ambiguous, it could be `{}` or `{}` of SELECT; rename one",
            name.value, column.name, other.name
        )));
    }
    let mut spelled = vec![column.written.clone()];
    let data_type = spell_fields(column.data_type.as_ref(), fields, &mut spelled)?;
    Ok(Some(Found {
        qualifier_parts: 0,
        parts: spelled,
        data_type,
        place: None,
        others: Vec::new(),
    }))
}

/// Goes through one expression; a query inside is a block of its own.
struct Visitor<'v, 'a> {
    binder: &'v mut Binder<'a>,
    names: &'v Names<'v>,
    depth: usize,
    /// Of the expressions around, whether each is an aggregate.
    aggregates: Vec<bool>,
    /// The lambdas around.
    lambdas: Lambdas,
}

impl VisitorMut for Visitor<'_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if self.depth == 0 {
            self.binder.outer.push(self.names.scope.clone());
            let bound = self.binder.query(query);
            self.binder.outer.pop();
            if let Err(error) = bound {
                return ControlFlow::Break(error);
            }
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        literals::join_sign(expr);
        likes::spread(expr);
        if let Err(error) = likes::check(expr) {
            return ControlFlow::Break(error);
        }
        interval_casts::respell(expr);
        match self.lambdas.enter(expr) {
            Ok(true) => {
                self.aggregates.push(false);
                return ControlFlow::Continue(());
            }
            Ok(false) => (),
            Err(error) => return ControlFlow::Break(error),
        }
        let names = if self.aggregates.contains(&true) {
            self.names.inside_aggregate()
        } else {
            *self.names
        };
        let is_date = |order: &Expr| self.binder.type_of(order, &names) == Some(DataType::Date32);
        frames::respell(expr, is_date);
        if let Err(error) = self.binder.resolve(expr, &names) {
            return ControlFlow::Break(error);
        }
        self.aggregates.push(self.binder.is_aggregate(expr));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.depth == 0 {
            self.aggregates.pop();
            frames::restore(expr);
            self.lambdas.leave(expr);
            literals::type_number(expr);
            spelling::respell_minus(expr);
            spelling::respell_words(expr);
            likes::respell(expr);
            spelling::respell_expr(expr);
            spelling::respell_grouping(expr, &self.binder.grouping);
        }
        ControlFlow::Continue(())
    }
}
