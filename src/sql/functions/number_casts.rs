//! Casts of numbers as Spark does them: between BOOLEAN and DECIMAL, of texts to BOOLEAN, of doubles that are no number
//! to DECIMAL, and, outside of ANSI mode, of what does not fit: whole numbers wrap around, doubles
//! stop at the ends, and everything else is NULL.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, Float64Array,
    Int64Array,
};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::DataType::{self, Boolean, Decimal128, Float32, Float64, Utf8};
use arrow::datatypes::{Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::expressions::change_parts;
use crate::logical::guards::fallible::is_safe_cast;

/// Puts [`NumberCast`] in the place of casts that Arrow would do otherwise.
#[derive(Debug)]
pub(in crate::sql) struct UseNumberCasts;

impl AnalyzerRule for UseNumberCasts {
    fn name(&self) -> &'static str {
        "use_number_casts"
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let is_ansi = config.execution.enable_ansi_mode;
        Ok(change_parts(plan, |expr, schema| replace(expr, schema, is_ansi))?.data)
    }
}

fn replace(expr: Expr, schema: &DFSchema, is_ansi: bool) -> Result<Transformed<Expr>> {
    let (inner, field, tries) = match &expr {
        Expr::Cast(Cast { expr: inner, field }) => (inner, field, false),
        Expr::TryCast(TryCast { expr: inner, field }) => (inner, field, true),
        _ => return Ok(Transformed::no(expr)),
    };
    let (from, to) = (inner.get_type(schema)?, field.data_type());
    if is_safe_cast(&from, to) {
        return Ok(Transformed::no(expr));
    }
    let what_fails = match (tries, is_ansi) {
        (true, _) => Misfit::Null,
        (false, true) => Misfit::Error,
        (false, false) => Misfit::Squeezed,
    };
    if !differs(&from, to, what_fails) {
        if what_fails != Misfit::Squeezed {
            return Ok(Transformed::no(expr));
        }
        let lenient = TryCast { expr: inner.clone(), field: Arc::clone(field) };
        return Ok(Transformed::yes(Expr::TryCast(lenient)));
    }
    let signature = Signature::any(1, Volatility::Immutable);
    let function = NumberCast { to: to.clone(), misfit: what_fails, signature };
    let call = ScalarUDF::from(function).call(vec![(**inner).clone()]);
    Ok(Transformed::yes(call))
}

/// Whether Spark's cast is another than Arrow's.
fn differs(from: &DataType, to: &DataType, misfit: Misfit) -> bool {
    let squeezes = misfit == Misfit::Squeezed;
    match (from, to) {
        (Boolean, Decimal128(_, _)) | (Decimal128(_, _) | Utf8, Boolean) => true,
        (Float32 | Float64, Decimal128(_, _)) => true,
        (Utf8 | Float32 | Float64 | Decimal128(_, _), to) if to.is_signed_integer() => squeezes,
        (from, to) if from.is_signed_integer() && to.is_signed_integer() => squeezes,
        _ => false,
    }
}

/// What becomes of a value that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Misfit {
    Error,
    Null,
    /// It is made to fit, or NULL where there is no way.
    Squeezed,
}

/// A cast.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NumberCast {
    to: DataType,
    misfit: Misfit,
    signature: Signature,
}

impl ScalarUDFImpl for NumberCast {
    fn name(&self) -> &'static str {
        match self.misfit {
            Misfit::Error => "cast_number",
            Misfit::Null => "try_cast_number",
            Misfit::Squeezed => "squeeze_number",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Scalar(value)] => {
                let result = self.run(&value.to_array()?)?;
                let result = datafusion::common::ScalarValue::try_from_array(&result, 0)?;
                Ok(ColumnarValue::Scalar(result))
            }
            [ColumnarValue::Array(values)] => Ok(ColumnarValue::Array(self.run(values)?)),
            _ => exec_err!("a cast takes one value"),
        }
    }
}

impl NumberCast {
    fn run(&self, values: &ArrayRef) -> Result<ArrayRef> {
        match (values.data_type(), &self.to) {
            (Boolean, Decimal128(_, _)) => {
                let whole = cast(values, &DataType::Int32)?;
                self.with_arrow(&whole)
            }
            (Utf8, Boolean) => self.truth(values),
            (Decimal128(_, _), Boolean) => {
                let digits = values.as_primitive::<Decimal128Type>();
                let truth: BooleanArray =
                    digits.iter().map(|digits| digits.map(|digits| digits != 0)).collect();
                Ok(Arc::new(truth))
            }
            (Float32 | Float64, Decimal128(_, _)) => {
                let doubles = cast(values, &Float64)?;
                let doubles = doubles.as_primitive::<Float64Type>();
                // What is no number, or has no end, is no decimal either.
                let finite: Float64Array =
                    doubles.iter().map(|value| value.filter(|value| value.is_finite())).collect();
                self.with_arrow(&(Arc::new(finite) as ArrayRef))
            }
            _ => self.squeezed(values),
        }
    }

    /// Texts as truth values: fewer of them are than Arrow takes.
    fn truth(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let texts = values.as_string::<i32>().iter();
        let truth = texts.map(|text| match text.map(|text| (text, truth_of_text(text))) {
            Some((text, None)) if self.misfit == Misfit::Error => exec_err!(
                "cannot cast `{text}` to BOOLEAN; correct it, or use try_cast for null in its place"
            ),
            Some((_, truth)) => Ok(truth),
            None => Ok(None),
        });
        Ok(Arc::new(truth.collect::<Result<BooleanArray>>()?))
    }

    fn with_arrow(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let safe = self.misfit != Misfit::Error;
        let options = CastOptions { safe, ..CastOptions::default() };
        Ok(cast_with_options(values, &self.to, &options)?)
    }

    /// A whole number of what is none, or has no place.
    fn squeezed(&self, values: &ArrayRef) -> Result<ArrayRef> {
        match values.data_type() {
            Utf8 => {
                let (least, most) = bounds(&self.to);
                let texts = values.as_string::<i32>().iter();
                let whole: Int64Array = texts
                    .map(|text| {
                        let whole = text.and_then(whole_of_text)?;
                        (least..=most).contains(&whole).then_some(whole)
                    })
                    .collect();
                self.wrapped(&whole)
            }
            Float32 | Float64 => {
                let doubles = cast(values, &Float64)?;
                let doubles = doubles.as_primitive::<Float64Type>();
                // A cast stops at the ends, and makes 0 of what is no number.
                let whole: Int64Array = match self.to {
                    DataType::Int64 => doubles.unary(|value| value as i64),
                    _ => doubles.unary(|value| i64::from(value as i32)),
                };
                self.wrapped(&whole)
            }
            Decimal128(_, scale) => {
                let unit = 10_i128.pow(u32::try_from(*scale).unwrap_or(0));
                let digits: &Decimal128Array = values.as_primitive();
                // The low bits are what is left of a number that wraps around.
                let whole: Int64Array = digits.unary(|digits| (digits / unit) as i64);
                self.wrapped(&whole)
            }
            whole if whole.is_signed_integer() => {
                let whole = cast(values, &DataType::Int64)?;
                self.wrapped(whole.as_primitive::<Int64Type>())
            }
            other => internal_err!("{other} is no number"),
        }
    }

    /// Whole numbers of which the low bits are kept.
    fn wrapped(&self, whole: &Int64Array) -> Result<ArrayRef> {
        fn low<T: ArrowPrimitiveType>(
            whole: &Int64Array,
            bits: impl Fn(i64) -> T::Native,
        ) -> ArrayRef {
            Arc::new(whole.unary::<_, T>(bits))
        }
        Ok(match &self.to {
            DataType::Int8 => low::<Int8Type>(whole, |value| value as i8),
            DataType::Int16 => low::<Int16Type>(whole, |value| value as i16),
            DataType::Int32 => low::<Int32Type>(whole, |value| value as i32),
            DataType::Int64 => Arc::new(whole.clone()),
            other => return internal_err!("{other} is no whole number"),
        })
    }
}

const fn bounds(to: &DataType) -> (i64, i64) {
    match to {
        DataType::Int8 => (i8::MIN as i64, i8::MAX as i64),
        DataType::Int16 => (i16::MIN as i64, i16::MAX as i64),
        DataType::Int32 => (i32::MIN as i64, i32::MAX as i64),
        _ => (i64::MIN, i64::MAX),
    }
}

fn truth_of_text(text: &str) -> Option<bool> {
    let text = text.trim();
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(&["t", "true", "y", "yes", "1"]) {
        return Some(true);
    }
    is_one_of(&["f", "false", "n", "no", "0"]).then_some(false)
}

/// A whole number from a text, whose fraction is cut off.
fn whole_of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.bytes().all(|byte| byte.is_ascii_digit())
        && !(fraction.is_empty() && whole.is_empty());
    match whole {
        "" | "+" | "-" if is_number && !fraction.is_empty() => Some(0),
        _ if is_number => whole.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_whole_numbers_as_far_as_they_go() {
        for (text, expected) in [
            (" 12 ", Some(12)),
            ("+7", Some(7)),
            ("-1.9", Some(-1)),
            (".5", Some(0)),
            ("1.", Some(1)),
            ("", None),
            (".", None),
            ("1e3", None),
            ("a", None),
            ("9223372036854775808", None),
        ] {
            assert_eq!(whole_of_text(text), expected, "{text}");
        }
    }
}
