//! Writes out what `*` stands for, where DataFusion would take it for something else: below a new
//! column `window`, which is not meant, and over a USING, whose columns Spark puts in front.

use sqlparser::ast::{
    Expr, Ident, SelectItem, SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use crate::sql::ast::scope::{Column, Relation, Scope, Using, same};
use crate::sql::tables::parts_of;

/// Writes out all `*` if `always`, or if a USING makes it necessary.
pub(super) fn expand(items: &mut Vec<SelectItem>, scope: &Scope, always: bool) {
    let columns = || scope.relations.iter().flat_map(|relation| &relation.columns);
    if !always && columns().all(|column| column.using == Using::No) {
        return;
    }
    // The columns of a table function are not known here.
    if scope.relations.iter().any(|relation| relation.columns.is_empty()) {
        return;
    }
    for item in std::mem::take(items) {
        match &item {
            SelectItem::Wildcard(options) => {
                items.extend(written(&scope.all_columns(), options));
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
                items.extend(written(&columns, options));
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _)
            | SelectItem::UnnamedExpr(_)
            | SelectItem::ExprWithAlias { .. }
            | SelectItem::ExprWithAliases { .. } => items.push(item),
        }
    }
}

fn written(
    columns: &[(&Relation, &Column)],
    options: &WildcardAdditionalOptions,
) -> Vec<SelectItem> {
    let is_excepted = |name: &str| {
        options.opt_except.as_ref().is_some_and(|except| {
            std::iter::once(&except.first_element)
                .chain(&except.additional_elements)
                .any(|excepted| same(&excepted.value, name))
        })
    };
    columns
        .iter()
        .filter(|(_, column)| !is_excepted(&column.name))
        .map(|(relation, column)| item_of(relation, column))
        .collect()
}

fn item_of(relation: &Relation, column: &Column) -> SelectItem {
    let parts: Vec<Ident> = relation
        .qualifier
        .iter()
        .chain([&column.name])
        .map(|part| Ident::with_quote('`', part))
        .collect();
    SelectItem::UnnamedExpr(match parts.as_slice() {
        [only] => Expr::Identifier(only.clone()),
        _ => Expr::CompoundIdentifier(parts),
    })
}
