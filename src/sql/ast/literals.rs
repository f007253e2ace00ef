//! The types of numbers in the text of a query: INT where the number fits, else BIGINT, else DECIMAL,
//! and what a suffix says, which the token pass has made a typed literal of: `DOUBLE '1.5'`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int64Array, StringArray};
use sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, UnaryOperator, Value, WindowFrameBound, WindowSpec, WindowType,
};

use crate::formats::display::{Zone, write_value};
use crate::sql::ast::spelling::plain_name;

/// Makes one number of a minus sign and what stands behind it, so that the least number of a type
/// can be written.
pub(super) fn join_sign(expr: &mut Expr) {
    let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr else { return };
    if is_typed_number(inner)
        && let Expr::TypedString(typed) = &mut **inner
        && let Value::SingleQuotedString(digits) = &mut typed.value.value
    {
        digits.insert(0, '-');
        *expr = Expr::TypedString(typed.clone());
        return;
    }
    if let Expr::Value(value) = &mut **inner
        && let Value::Number(digits, _) = &mut value.value
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        digits.insert(0, '-');
        *expr = Expr::Value(value.clone());
    }
}

/// Whether an expression is a number with a suffix.
pub(super) fn is_typed_number(expr: &Expr) -> bool {
    matches!(expr, Expr::TypedString(typed) if number_name(&typed.data_type, "0").is_some())
}

/// What Spark calls a number with a suffix; `None` for other types.
pub(super) fn number_name(data_type: &DataType, text: &str) -> Option<String> {
    let value: ArrayRef = match data_type {
        DataType::Double(_) => Arc::new(Float64Array::from(vec![text.parse::<f64>().ok()?])),
        DataType::Float(_) => Arc::new(Float32Array::from(vec![text.parse::<f32>().ok()?])),
        DataType::TinyInt(_) | DataType::SmallInt(_) => {
            Arc::new(Int64Array::from(vec![text.parse::<i64>().ok()?]))
        }
        DataType::Decimal(_) => Arc::new(StringArray::from(vec![text])),
        _ => return None,
    };
    let mut name = String::new();
    write_value(&mut name, value.as_ref(), 0, &Zone::default()).ok()?;
    Some(name)
}

/// Gives a number its type.
pub(super) fn type_number(expr: &mut Expr) {
    match expr {
        Expr::Value(value) => {
            if let Value::Number(digits, is_long) = &value.value
                && let Some(data_type) = type_of(digits, *is_long)
            {
                let inner = Box::new(Expr::Value(value.clone()));
                *expr = cast(inner, data_type);
            }
        }
        // The bounds of a frame are numbers as they are written.
        Expr::Function(function) => {
            untype_scale(function);
            if let Some(WindowType::WindowSpec(spec)) = &mut function.over {
                untype_frame(spec);
            }
        }
        _ => (),
    }
}

/// Whether an expression is nothing but a whole number: a position in GROUP BY and ORDER BY.
pub(super) fn is_position(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value)
        if matches!(&value.value, Value::Number(digits, _) if digits.bytes().all(|b| b.is_ascii_digit())))
}

fn type_of(digits: &str, is_long: bool) -> Option<DataType> {
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    if is_long || plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if digits.parse::<i32>().is_ok() {
        return Some(DataType::Int(None));
    }
    if digits.parse::<i64>().is_ok() {
        return None;
    }
    let precision = u64::try_from(plain.trim_start_matches('0').len()).ok()?;
    Some(DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, 0)))
}

fn cast(expr: Box<Expr>, data_type: DataType) -> Expr {
    // Beyond the whole numbers, the digits reach the cast as text.
    let expr = match (&data_type, &*expr) {
        (DataType::Decimal(_), Expr::Value(value)) => match &value.value {
            Value::Number(digits, _) => {
                Box::new(Expr::value(Value::SingleQuotedString(digits.clone())))
            }
            _ => expr,
        },
        _ => expr,
    };
    Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None }
}

/// The scale of a rounding settles the type of the result, so it stays a constant that planning can
/// see.
fn untype_scale(function: &mut Function) {
    const ROUNDING: &[&str] = &["round", "bround", "ceil", "ceiling", "floor"];
    let is_rounding = plain_name(function).is_some_and(|name| ROUNDING.contains(&name.as_str()));
    if let FunctionArguments::List(list) = &mut function.args
        && is_rounding
        && let [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(scale))] = list.args.as_mut_slice()
        && let Expr::Cast { expr, data_type: DataType::Int(None), .. } = scale
    {
        *scale = (**expr).clone();
    }
}

/// Takes the types of the bounds of a window's frame away.
pub(super) fn untype_frame(spec: &mut WindowSpec) {
    if let Some(frame) = &mut spec.window_frame {
        untype(&mut frame.start_bound);
        if let Some(end) = &mut frame.end_bound {
            untype(end);
        }
    }
}

fn untype(bound: &mut WindowFrameBound) {
    let (WindowFrameBound::Preceding(Some(expr)) | WindowFrameBound::Following(Some(expr))) = bound
    else {
        return;
    };
    if let Expr::Cast { expr: inner, data_type: DataType::Int(None), .. } = &**expr {
        *expr = inner.clone();
    }
}
