//! `GROUP BY a, b WITH ROLLUP` and its kin, as the grouping sets that they are.

use sqlparser::ast::{Expr, GroupByExpr, GroupByWithModifier};

/// Writes what stands behind the keys as what stands in their place.
pub(super) fn respell(group_by: &mut GroupByExpr) {
    let GroupByExpr::Expressions(keys, modifiers) = group_by else { return };
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
