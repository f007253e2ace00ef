//! Long chains of AND, OR and UNION as flat trees.
//!
//! The parser makes `a OR b OR c ..` a tree that is as deep as the chain is long. All of these
//! operators may be taken together in any grouping, as long as the order stays, so a long chain
//! becomes a tree of the depth of its logarithm.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Query, SetExpr, SetOperator, Value, Values, VisitMut, VisitorMut,
};

/// Chains that are no longer stay as they were written.
const SHORT: usize = 32;

/// Makes the long chains of a query flat.
pub(crate) fn balance(query: &mut Query) {
    let _always_to_its_end: ControlFlow<()> = query.visit(&mut Balance);
}

struct Balance;

impl VisitorMut for Balance {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        balance_body(&mut query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let op = match expr {
            Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } => {
                op.clone()
            }
            _ => return ControlFlow::Continue(()),
        };
        let is_same =
            |expr: &Expr| matches!(expr, Expr::BinaryOp { op: other, .. } if *other == op);
        let mut length = 0;
        let mut left = &*expr;
        while let Expr::BinaryOp { left: next, .. } = left
            && is_same(left)
        {
            length += 1;
            left = next;
        }
        if length <= SHORT {
            return ControlFlow::Continue(());
        }
        let whole = std::mem::replace(expr, Expr::value(Value::Null));
        let join = |left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: op.clone(),
            right: Box::new(right),
        };
        if let Some(flat) = balanced(operands(whole, &op), join) {
            *expr = flat;
        }
        ControlFlow::Continue(())
    }
}

/// A tree of items in their order, whose depth is the logarithm of their number.
fn balanced<T>(mut items: Vec<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    while items.len() > 1 {
        let mut pairs = Vec::with_capacity(items.len().div_ceil(2));
        let mut rest = items.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => join(left, right),
                None => left,
            });
        }
        items = pairs;
    }
    items.pop()
}

/// The operands of a chain, from left to right.
fn operands(mut expr: Expr, op: &BinaryOperator) -> Vec<Expr> {
    let mut backwards = vec![];
    loop {
        match expr {
            Expr::BinaryOp { left, op: other, right } if other == *op => {
                backwards.push(*right);
                expr = *left;
            }
            first => {
                backwards.push(first);
                backwards.reverse();
                return backwards;
            }
        }
    }
}

/// Makes the chains of unions flat, of the body of a query and of what its other operators join.
fn balance_body(body: &mut SetExpr) {
    let mut rest = vec![body];
    while let Some(body) = rest.pop() {
        if let SetExpr::SetOperation { op: SetOperator::Union, .. } = body {
            flatten(body);
        }
        if let SetExpr::SetOperation { left, right, .. } = body {
            rest.extend([&mut **left, &mut **right]);
        }
    }
}

/// Makes a chain of unions flat, if it is long.
fn flatten(body: &mut SetExpr) {
    let SetExpr::SetOperation { set_quantifier, .. } = body else { return };
    let quantifier = *set_quantifier;
    let is_same = |body: &SetExpr| {
        matches!(body, SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, .. }
            if *set_quantifier == quantifier)
    };
    let mut length = 0;
    let mut left = &*body;
    while let SetExpr::SetOperation { left: next, .. } = left
        && is_same(left)
    {
        length += 1;
        left = next;
    }
    if length <= SHORT {
        return;
    }
    let nothing = Values { explicit_row: false, value_keyword: false, rows: vec![] };
    let mut rest = std::mem::replace(body, SetExpr::Values(nothing));
    let mut backwards = vec![];
    let first = loop {
        match rest {
            SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, right }
                if set_quantifier == quantifier =>
            {
                backwards.push(*right);
                rest = *left;
            }
            first => break first,
        }
    };
    backwards.push(first);
    backwards.reverse();
    let union = |left, right| SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: quantifier,
        left: Box::new(left),
        right: Box::new(right),
    };
    if let Some(flat) = balanced(backwards, union) {
        *body = flat;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::dialect::{parse_query, tokenize};

    fn depth(expr: &Expr) -> usize {
        match expr {
            Expr::BinaryOp { left, right, .. } => 1 + depth(left).max(depth(right)),
            _ => 0,
        }
    }

    #[test]
    fn a_long_chain_keeps_its_order_and_loses_its_depth() {
        let terms: Vec<String> = (0..100).map(|at| format!("a{at}")).collect();
        for op in [" AND ", " OR "] {
            let text = format!("SELECT {}", terms.join(op));
            let mut query = parse_query(tokenize(&text).unwrap()).unwrap();
            balance(&mut query);
            assert_eq!(query.to_string(), text);
            let SetExpr::Select(select) = &*query.body else { panic!("{query}") };
            let sqlparser::ast::SelectItem::UnnamedExpr(expr) = &select.projection[0] else {
                panic!("{query}")
            };
            assert!(depth(expr) < 10);
        }
        let text = terms.iter().map(|term| format!("SELECT {term}")).collect::<Vec<_>>();
        for union in [" UNION ", " UNION ALL "] {
            let text = text.join(union);
            let mut query = parse_query(tokenize(&text).unwrap()).unwrap();
            balance(&mut query);
            assert_eq!(query.to_string(), text);
        }
    }

    #[test]
    fn a_chain_of_other_operators_stays() {
        let text = format!("SELECT 1{} EXCEPT SELECT 2", " - 1".repeat(100));
        let mut query = parse_query(tokenize(&text).unwrap()).unwrap();
        let before = query.clone();
        balance(&mut query);
        assert_eq!(query, before);
    }
}
