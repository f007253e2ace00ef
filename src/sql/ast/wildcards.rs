//! Writes out what `*` stands for, where DataFusion would take it for something else: below a new
//! column `window`, which is not meant, over a USING, whose columns Spark puts in front, for the
//! fields of a struct, and among the arguments of a function.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    Query, SelectItem, SelectItemQualifiedWildcardKind, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use crate::error::{Error, Result};
use crate::sql::ast::spelling::plain_name;

use crate::sql::ast::bind_expr::either;
use crate::sql::ast::scope::{Column, Relation, Scope, Using, exact, same};
use crate::sql::tables::parts_of;

/// The names in the plan of the columns that `*` stands for, of all `*` together.
pub(super) fn names(items: &[SelectItem], scope: &Scope) -> Vec<String> {
    let of = |column: &Column| column.written.clone();
    let mut names = Vec::new();
    for item in items {
        match item {
            SelectItem::Wildcard(options) => {
                let all = scope.all_columns().into_iter().map(|(_, column)| column);
                names.extend(all.filter(|c| !is_excepted(&c.name, options)).map(of));
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let qualifier = parts_of(name);
                let relations = scope.relations.iter().filter(|r| r.answers_to(&qualifier));
                let all = relations.flat_map(|relation| &relation.columns);
                names.extend(all.filter(|c| !is_excepted(&c.name, options)).map(of));
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _)
            | SelectItem::UnnamedExpr(_)
            | SelectItem::ExprWithAlias { .. }
            | SelectItem::ExprWithAliases { .. } => (),
        }
    }
    names
}

/// Writes out all `*` if `always`, or if a USING or columns of one name make it necessary.
pub(super) fn expand(items: &mut Vec<SelectItem>, scope: &Scope, always: bool) {
    let columns = || scope.relations.iter().flat_map(|relation| &relation.columns);
    let names = names(items, scope);
    let is_plain = columns().all(|column| column.using == Using::No)
        && names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
    if !always && is_plain {
        return;
    }
    // The columns of a table function are not known here.
    if scope.relations.iter().any(|relation| relation.columns.is_empty()) {
        return;
    }
    for item in std::mem::take(items) {
        match &item {
            SelectItem::Wildcard(options) => {
                items.extend(written(scope, &scope.all_columns(), options, true));
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let qualifier = parts_of(name);
                let relations = scope.relations.iter().filter(|r| r.answers_to(&qualifier));
                let columns: Vec<_> = relations
                    .flat_map(|r| r.columns.iter().map(move |column| (r, column)))
                    .collect();
                items.extend(written(scope, &columns, options, false));
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _)
            | SelectItem::UnnamedExpr(_)
            | SelectItem::ExprWithAlias { .. }
            | SelectItem::ExprWithAliases { .. } => items.push(item),
        }
    }
}

/// Writes out `s.*` for a column `s` that is a struct.
///
/// # Errors
/// `Unsupported` for a column whose type does not show yet; `Invalid` for one that is no struct.
pub(super) fn write_fields(items: &mut Vec<SelectItem>, scope: &Scope) -> Result<()> {
    for item in std::mem::take(items) {
        let SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(name),
            options,
        ) = &item
        else {
            items.push(item);
            continue;
        };
        let parts = parts_of(name);
        let is_relation = scope.relations.iter().any(|relation| relation.answers_to(&parts));
        let Some(found) = scope.find(&parts)?.filter(|_| !is_relation) else {
            items.push(item);
            continue;
        };
        let fields = match &found.data_type {
            Some(DataType::Struct(fields)) => fields,
            Some(_) => {
                return Err(Error::invalid(format!("`{name}.*`: `{name}` is no struct")));
            }
            None => {
                return Err(Error::unsupported(format!(
                    "`{name}.*`: the fields of `{name}` are not known here; name them"
                )));
            }
        };
        let fields = fields.iter().filter(|field| !is_excepted(field.name(), options));
        items.extend(fields.map(|field| {
            let mut parts = parts.clone();
            parts.push(Ident::with_quote('`', field.name()));
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts))
        }));
    }
    Ok(())
}

/// Writes out `*` among the arguments of functions, as in `struct(*)` and `count(DISTINCT *)`; in
/// `count(*)` it stands for rows, not for columns.
pub(super) fn write_arguments(item: &mut SelectItem, scope: &Scope) {
    let _ = VisitMut::visit(item, &mut Arguments { scope, depth: 0 });
}

struct Arguments<'a> {
    scope: &'a Scope,
    depth: usize,
}

impl VisitorMut for Arguments<'_> {
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
        if let Expr::Function(function) = expr
            && self.depth == 0
        {
            self.write(function);
            if let Some(values) = fields_of_struct(function) {
                *expr = Expr::Struct { values, fields: vec![] };
            }
        }
        ControlFlow::Continue(())
    }
}

impl Arguments<'_> {
    fn write(&self, function: &mut Function) {
        let is_count = plain_name(function).is_some_and(|name| name == "count");
        let FunctionArguments::List(list) = &mut function.args else { return };
        let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        if is_count && !is_distinct {
            return;
        }
        for argument in std::mem::take(&mut list.args) {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {
                    let columns = self.scope.all_columns();
                    let columns = columns
                        .iter()
                        .map(|(relation, column)| expr_of(self.scope, relation, column));
                    list.args.extend(columns.map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed));
                }
                FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                    let qualifier = parts_of(&name);
                    let of = |relation: &&Relation| relation.answers_to(&qualifier);
                    let relation = self.scope.relations.iter().find(of);
                    let columns = relation.iter().flat_map(|r| &r.columns);
                    let columns = columns.zip(relation.iter().cycle());
                    let columns =
                        columns.map(|(column, relation)| expr_of(self.scope, relation, column));
                    list.args.extend(columns.map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed));
                }
                other => list.args.push(other),
            }
        }
    }
}

/// The fields of a struct that was parsed as a function, for the sake of its `*`.
fn fields_of_struct(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let is_struct = plain_name(function).is_some_and(|name| name == "struct");
    let values = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    values.collect::<Option<_>>().filter(|_| is_struct)
}

fn is_excepted(name: &str, options: &WildcardAdditionalOptions) -> bool {
    options.opt_except.as_ref().is_some_and(|except| {
        std::iter::once(&except.first_element)
            .chain(&except.additional_elements)
            .any(|excepted| same(&excepted.value, name))
    })
}

/// Items for columns; `all` for those of `*`, where a column stands for those of other sides too.
fn written(
    scope: &Scope,
    columns: &[(&Relation, &Column)],
    options: &WildcardAdditionalOptions,
    all: bool,
) -> Vec<SelectItem> {
    let columns = columns.iter().filter(|(_, column)| !is_excepted(&column.name, options));
    let item = |(relation, column): &(&Relation, &Column)| {
        let place = scope.place_of(relation, column).filter(|_| all && !column.others.is_empty());
        match place {
            Some(place) => SelectItem::ExprWithAlias {
                expr: either(place, &column.others),
                alias: Ident::with_quote('`', &column.name),
            },
            None => SelectItem::UnnamedExpr(expr_of(scope, relation, column)),
        }
    };
    columns.map(item).collect()
}

fn expr_of(scope: &Scope, relation: &Relation, column: &Column) -> Expr {
    let unnamed = || Expr::Identifier(Ident::with_quote('`', &column.name));
    scope.place_of(relation, column).map_or_else(unnamed, exact)
}
