//! Which filters a source takes: those that Spark hands to its readers.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Whether a filter is simple: a top-level column compared with constants, and what AND, OR and NOT
/// make of such.
pub fn is_simple(filter: &Expr) -> bool {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_simple(left) && is_simple(right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            is_comparison(*op)
                && matches!(
                    (&**left, &**right),
                    (Expr::Column(_), Expr::Literal(..)) | (Expr::Literal(..), Expr::Column(_))
                )
        }
        Expr::Not(inner) => is_simple(inner),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => matches!(**inner, Expr::Column(_)),
        Expr::InList(list) => {
            matches!(*list.expr, Expr::Column(_))
                && list.list.iter().all(|item| matches!(item, Expr::Literal(..)))
        }
        Expr::Like(like) => {
            !like.case_insensitive
                && like.escape_char.is_none()
                && matches!(*like.expr, Expr::Column(_))
                && is_plain_pattern(&like.pattern)
        }
        _ => false,
    }
}

const fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsNotDistinctFrom
            | Operator::IsDistinctFrom
    )
}

/// Whether a pattern asks for a beginning, an end, or a part of a text.
fn is_plain_pattern(pattern: &Expr) -> bool {
    let Expr::Literal(ScalarValue::Utf8(Some(pattern)), _) = pattern else { return false };
    let inner = pattern.strip_prefix('%').unwrap_or(pattern);
    let inner = inner.strip_suffix('%').unwrap_or(inner);
    !inner.is_empty() && !inner.contains(['%', '_', '\\'])
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    #[test]
    fn comparisons_of_columns_with_constants_are_simple() {
        assert!(is_simple(&col("v").gt(lit(1)).and(col("k").not_eq(lit("b")))));
        assert!(is_simple(&col("v").is_not_null()));
        assert!(is_simple(&col("k").like(lit("a%"))));
        assert!(is_simple(&col("k").in_list(vec![lit("a"), lit("b")], true)));
    }

    #[test]
    fn expressions_over_columns_are_not_simple() {
        assert!(!is_simple(&(col("v") + lit(1)).gt(lit(1))));
        assert!(!is_simple(&col("v").gt(col("w"))));
        assert!(!is_simple(&col("k").like(lit("a_b%"))));
    }
}
