//! When two rows are the same: doubles may differ by a relative tolerance, whole numbers may not.

use serde_json::Value;

/// Whether two lists have the same rows, in whatever order.
pub(crate) fn same_rows(expected: &[Vec<Value>], got: &[Vec<Value>], tolerance: f64) -> bool {
    let mut left: Vec<&Vec<Value>> = got.iter().collect();
    for row in expected {
        let Some(found) = left.iter().position(|other| same_row(row, other, tolerance)) else {
            return false;
        };
        left.swap_remove(found);
    }
    left.is_empty()
}

/// Whether two rows are the same, but for a relative difference of doubles.
pub(crate) fn same_row(a: &[Value], b: &[Value], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, tolerance))
}

fn same(a: &Value, b: &Value, tolerance: f64) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x == y,
            _ => match (x.as_f64(), y.as_f64()) {
                (Some(x), Some(y)) => x == y || (x - y).abs() <= tolerance * x.abs().max(y.abs()),
                _ => false,
            },
        },
        (Value::Array(a), Value::Array(b)) => same_row(a, b, tolerance),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b, tolerance)))
        }
        _ => a == b,
    }
}
