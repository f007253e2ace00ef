//! The keys of GROUP BY: `GROUP BY a, b WITH ROLLUP` and its kin as the grouping sets that they
//! are, positions and aliases in grouping sets as what they stand for, and which columns HAVING
//! takes for keys.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr,
    GroupByWithModifier, Ident, Select, SelectItem, Value,
};

use crate::error::{Error, Result};
use crate::sql::ast::from::find_in_block;
use crate::sql::ast::literals;
use crate::sql::ast::scope::{Scope, same};
use crate::sql::ast::spelling::plain_name;

/// Writes what stands behind the keys as what stands in their place, and sets inside of sets as the
/// sets that they stand for.
pub(super) fn respell(group_by: &mut GroupByExpr) {
    let GroupByExpr::Expressions(keys, modifiers) = group_by else { return };
    in_their_place(keys, modifiers);
    for key in keys {
        // The planner knows no keys that come and go together.
        if matches!(key, Expr::Rollup(items) | Expr::Cube(items) if items.iter().any(is_composite))
        {
            *key = Expr::GroupingSets(vec![vec![key.clone()]]);
        }
        if let Expr::GroupingSets(sets) = key {
            *sets = std::mem::take(sets).into_iter().flat_map(sets_inside).collect();
        } else if let Some(sets) = sets_of_mut(key) {
            sets.iter_mut().for_each(|set| *set = plain_set(std::mem::take(set)));
        }
    }
}

fn is_composite(item: &Vec<Expr>) -> bool {
    matches!(item.as_slice(), [Expr::Tuple(_)]) || item.len() > 1
}

/// A set of keys without parentheses around all of them.
fn plain_set(set: Vec<Expr>) -> Vec<Expr> {
    match <[Expr; 1]>::try_from(set) {
        Ok([Expr::Tuple(keys)]) => keys,
        Ok([Expr::Nested(key)]) => vec![*key],
        Ok([key]) => vec![key],
        Err(set) => set,
    }
}

/// The sets that an item of GROUPING SETS stands for: itself, or those of a ROLLUP or a CUBE.
fn sets_inside(set: Vec<Expr>) -> Vec<Vec<Expr>> {
    let (kind, items) = match set.as_slice() {
        [Expr::Rollup(items)] => (true, items.clone()),
        [Expr::Cube(items)] => (false, items.clone()),
        [Expr::GroupingSets(sets)] => return sets.iter().cloned().flat_map(sets_inside).collect(),
        [Expr::Function(function)] => {
            match (plain_name(function).as_deref(), arguments(function)) {
                (Some("rollup"), Some(items)) => (true, items),
                (Some("cube"), Some(items)) => (false, items),
                _ => return vec![set],
            }
        }
        _ => return vec![plain_set(set)],
    };
    let items: Vec<Vec<Expr>> = items.into_iter().map(plain_set).collect();
    if !kind && items.len() > MOST_CUBED {
        return vec![set];
    }
    if kind {
        return (0..=items.len()).rev().map(|keys| items[..keys].concat()).collect();
    }
    // All of them first, none of them last.
    let chosen = |which: usize| -> Vec<Expr> {
        let items = items.iter().enumerate();
        items.filter(|(at, _)| which & (1 << at) == 0).flat_map(|(_, keys)| keys.clone()).collect()
    };
    (0..1_usize << items.len()).map(chosen).collect()
}

/// Of how many keys a CUBE inside of GROUPING SETS can be: it has two to this power sets.
const MOST_CUBED: usize = 12;

fn arguments(function: &Function) -> Option<Vec<Vec<Expr>>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let item = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(vec![expr.clone()]),
        _ => None,
    };
    list.args.iter().map(item).collect()
}

fn in_their_place(keys: &mut Vec<Expr>, modifiers: &mut Vec<GroupByWithModifier>) {
    let [modifier] = modifiers.as_slice() else { return };
    let each = || keys.iter().map(|key| vec![key.clone()]).collect();
    let sets = match modifier {
        GroupByWithModifier::Rollup => Expr::Rollup(each()),
        GroupByWithModifier::Cube => Expr::Cube(each()),
        GroupByWithModifier::GroupingSets(sets) => sets.clone(),
        GroupByWithModifier::Totals => return,
    };
    *keys = vec![sets];
    modifiers.clear();
}

/// Whether grouping sets have positions among their keys.
pub(super) fn any_position(group_by: &GroupByExpr) -> bool {
    keys_of_sets(group_by).iter().any(|key| position(key).is_some())
}

/// The keys of the grouping sets, each once.
pub(super) fn keys_of_sets(group_by: &GroupByExpr) -> Vec<Expr> {
    let mut keys: Vec<Expr> = Vec::new();
    let GroupByExpr::Expressions(exprs, _) = group_by else { return keys };
    for key in exprs.iter().filter_map(sets_of).flatten().flatten() {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// Refuses names in GROUP BY that are aliases of SELECT and no columns.
///
/// # Errors
/// `Invalid`.
pub(super) fn refuse_aliases(select: &Select, scope: &Scope) -> Result<()> {
    let alias = find_in_block(&select.group_by, |expr| match expr {
        Expr::Identifier(name) if matches!(scope.find(std::slice::from_ref(name)), Ok(None)) => {
            item_called(name, &select.projection).map(|_item| name.value.clone())
        }
        _ => None,
    });
    match alias {
        None => Ok(()),
        Some(alias) => Err(Error::invalid(format!(
            "GROUP BY names `{alias}`, an alias of SELECT, which it may not while spark.sql.groupByAliases is false; repeat the expression"
        ))),
    }
}

/// Puts the columns of SELECT in the place of positions and aliases in grouping sets, of which the
/// planner would make constants and columns of FROM.
///
/// # Errors
/// `Invalid` for a position that SELECT does not have, or that is an aggregate.
pub(super) fn write_keys(
    select: &mut Select,
    scope: &Scope,
    is_aggregate: &(dyn Fn(&str) -> bool + Sync),
) -> Result<()> {
    let items = &select.projection;
    if let GroupByExpr::All(modifiers) = &select.group_by
        && select.having.is_some()
        && modifiers.is_empty()
        && let Some(keys) = all_keys(items, is_aggregate)
    {
        select.group_by = GroupByExpr::Expressions(keys, vec![]);
    }
    let items = &select.projection;
    let GroupByExpr::Expressions(exprs, _) = &mut select.group_by else { return Ok(()) };
    for key in exprs.iter_mut().filter_map(sets_of_mut).flatten().flatten() {
        if let Some(at) = position(key) {
            *key = item_at(at, items)?;
            refuse_aggregate(at, key, is_aggregate)?;
        } else if let Expr::Identifier(name) = key
            && let Ok(None) = scope.find(std::slice::from_ref(name))
            && let Some(named) = item_called(name, items)
        {
            *key = named;
        }
    }
    Ok(())
}

fn sets_of(expr: &Expr) -> Option<&Vec<Vec<Expr>>> {
    match expr {
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => Some(sets),
        _ => None,
    }
}

fn sets_of_mut(expr: &mut Expr) -> Option<&mut Vec<Vec<Expr>>> {
    match expr {
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => Some(sets),
        _ => None,
    }
}

fn position(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) if literals::is_position(expr) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn item_at(at: usize, items: &[SelectItem]) -> Result<Expr> {
    let item = at.checked_sub(1).and_then(|at| items.get(at)).ok_or_else(|| {
        Error::invalid(format!(
            "GROUP BY position {at} is not in SELECT, which has the positions 1 to {}",
            items.len()
        ))
    })?;
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Ok(expr.clone()),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => Err(Error::unsupported(format!(
            "GROUP BY position {at} counts columns that are not known here; name the column"
        ))),
    }
}

fn item_called(name: &Ident, items: &[SelectItem]) -> Option<Expr> {
    items.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if same(&alias.value, &name.value) => {
            Some(expr.clone())
        }
        _ => None,
    })
}

/// The items of SELECT that GROUP BY ALL is about; `None` where it does not show which they are.
fn all_keys(items: &[SelectItem], is_aggregate: &dyn Fn(&str) -> bool) -> Option<Vec<Expr>> {
    let mut keys = Vec::new();
    for item in items {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
            return None;
        };
        match (aggregate_in(expr, is_aggregate), expr) {
            (Some(_), Expr::Function(_)) => (),
            (None, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => keys.push(expr.clone()),
            _ => return None,
        }
    }
    Some(keys).filter(|keys| !keys.is_empty())
}

fn aggregate_in(expr: &Expr, is_aggregate: &dyn Fn(&str) -> bool) -> Option<String> {
    let is_call = |function: &Function| {
        function.over.is_none() && plain_name(function).is_some_and(|name| is_aggregate(&name))
    };
    find_in_block(expr, |expr| match expr {
        Expr::Function(function) if is_call(function) => Some(function.to_string()),
        _ => None,
    })
}

fn refuse_aggregate(at: usize, key: &Expr, is_aggregate: &dyn Fn(&str) -> bool) -> Result<()> {
    match aggregate_in(key, is_aggregate) {
        None => Ok(()),
        Some(call) => Err(Error::invalid(format!(
            "GROUP BY position {at} is the aggregate `{call}`, and rows are grouped before they are aggregated"
        ))),
    }
}

/// A column, or a field of one, that rows are grouped by.
#[derive(Debug)]
pub(super) struct Key {
    column: (usize, usize),
    fields: Vec<String>,
}

impl Key {
    fn new(parts: &[Ident], scope: &Scope) -> Option<Self> {
        let found = scope.find(parts).ok()??;
        Some(Self { column: found.place?, fields: found.fields().to_vec() })
    }

    /// Whether a name stands for this key, or for a field of it.
    pub(super) fn is_of(&self, parts: &[Ident], scope: &Scope) -> bool {
        Self::new(parts, scope).is_some_and(|named| {
            named.column == self.column && named.fields.starts_with(&self.fields)
        })
    }
}

/// The keys of a block that are columns of FROM; the names in SELECT and GROUP BY are resolved.
pub(super) fn keys(select: &Select, scope: &Scope) -> Vec<Key> {
    let items = &select.projection;
    let of_item = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => key(expr, scope),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    };
    let exprs = match &select.group_by {
        GroupByExpr::All(_) => return items.iter().filter_map(of_item).collect(),
        GroupByExpr::Expressions(exprs, _) => exprs,
    };
    let plain = exprs.iter().filter_map(|expr| match position(expr) {
        Some(at) => items.get(at.checked_sub(1)?).and_then(of_item),
        None => key(expr, scope),
    });
    let in_sets = exprs.iter().filter_map(sets_of).flatten().flatten();
    plain.chain(in_sets.filter_map(|expr| key(expr, scope))).collect()
}

fn key(expr: &Expr, scope: &Scope) -> Option<Key> {
    match expr {
        Expr::Identifier(name) => Key::new(std::slice::from_ref(name), scope),
        Expr::CompoundIdentifier(parts) => Key::new(parts, scope),
        Expr::Nested(inner) => key(inner, scope),
        _ => None,
    }
}
