//! `format_number`: numbers with commas between thousands, or by a pattern such as `#,##0.00`.
//! What is between two results goes to the even one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType::{self, Decimal128, Float32, Float64, Int32, Utf8};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Function::new("format_number", types, format).udf()]
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let number = match &given.types[0] {
        decimal @ Decimal128(_, _) => decimal.clone(),
        DataType::Null => Decimal128(1, 0),
        whole if whole.is_integer() => Decimal128(20, 0),
        Float32 | Float64 => Float64,
        _ => {
            return Err(
                given.refuse("a number, and how many digits follow the point, or a pattern")
            );
        }
    };
    let form = if given.types[1] == Utf8 { Utf8 } else { Int32 };
    Ok(Call { takes: vec![number, form], gives: Utf8 })
}

/// How a number is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Form {
    before: String,
    after: String,
    /// How many digits stand between two commas; 0 for no commas.
    group: usize,
    least_whole: usize,
    least_fraction: usize,
    most_fraction: usize,
}

impl Form {
    /// Commas between thousands, and so many digits behind the point.
    fn of_digits(digits: usize) -> Self {
        Self {
            group: 3,
            least_whole: 1,
            least_fraction: digits,
            most_fraction: digits,
            ..Self::default()
        }
    }

    /// A pattern of `#`, `0`, `,` and `.`, with text before and after.
    fn parse(args: &Arguments, pattern: &str) -> Result<Self> {
        if pattern.contains([';', '%', 'E', '\'', '-', '\u{2030}', '\u{a4}']) {
            return Err(args.fail(format!(
                "the pattern `{pattern}` can have nothing but `#`, `0`, `,` and `.`, and text around them"
            )));
        }
        let is_digit = |letter: char| matches!(letter, '#' | '0' | ',' | '.');
        let start = pattern.find(is_digit).unwrap_or(pattern.len());
        let rest = &pattern[start..];
        let end = rest.rfind(is_digit).map_or(0, |end| end + 1);
        let (digits, after) = rest.split_at(end);
        if !digits.chars().all(is_digit) || digits.matches('.').count() > 1 {
            return Err(args.fail(format!("the pattern `{pattern}` is not understood")));
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let group = whole.rsplit_once(',').map_or(0, |(_, last)| last.len());
        // Where no digit has to be there, the first one before the point has, or else behind it.
        let needs_digit = digits.contains('.') && !digits.contains('0');
        let (first_whole, first_fraction) =
            (needs_digit && !whole.is_empty(), needs_digit && whole.is_empty());
        Ok(Self {
            before: pattern[..start].to_owned(),
            after: after.to_owned(),
            group,
            least_whole: whole.matches('0').count() + usize::from(first_whole),
            least_fraction: fraction.matches('0').count() + usize::from(first_fraction),
            most_fraction: fraction.len(),
        })
    }

    /// Writes the digits before and behind the point.
    fn write(&self, out: &mut String, negative: bool, whole: &str, fraction: &str) {
        if negative {
            out.push('-');
        }
        out.push_str(&self.before);
        let whole = whole.trim_start_matches('0');
        let zeros = self.least_whole.saturating_sub(whole.len());
        let length = zeros + whole.len();
        for (at, digit) in std::iter::repeat_n('0', zeros).chain(whole.chars()).enumerate() {
            if self.group > 0 && at > 0 && (length - at).is_multiple_of(self.group) {
                out.push(',');
            }
            out.push(digit);
        }
        let mut fraction = fraction;
        while fraction.len() > self.least_fraction && fraction.ends_with('0') {
            fraction = &fraction[..fraction.len() - 1];
        }
        if length == 0 && fraction.is_empty() {
            out.push('0');
        }
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
        out.push_str(&self.after);
    }
}

fn format(args: &Arguments) -> Result<ArrayRef> {
    let numbers = args.array(0)?;
    let forms = args.array(1)?;
    let mut out = StringBuilder::new();
    let mut last: Option<(String, Form)> = None;
    let mut text = String::new();
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let form = if let Some(patterns) = forms.as_string_opt::<i32>() {
            let pattern = patterns.value(row);
            match &last {
                Some((known, form)) if known == pattern => form.clone(),
                _ if pattern.is_empty() => Form::of_digits(0),
                _ => {
                    let form = Form::parse(args, pattern)?;
                    last = Some((pattern.to_owned(), form.clone()));
                    form
                }
            }
        } else {
            match usize::try_from(args.array(1)?.as_primitive::<Int32Type>().value(row)) {
                Ok(digits) => Form::of_digits(digits),
                Err(_) => {
                    out.append_null();
                    continue;
                }
            }
        };
        text.clear();
        write_number(&mut text, numbers, row, &form)?;
        out.append_value(&text);
    }
    Ok(Arc::new(out.finish()))
}

fn write_number(out: &mut String, numbers: &ArrayRef, row: usize, form: &Form) -> Result<()> {
    if let Decimal128(_, scale) = numbers.data_type() {
        let digits = numbers.as_primitive::<Decimal128Type>().value(row);
        let (whole, fraction) = rounded(digits.unsigned_abs(), *scale, form.most_fraction);
        form.write(out, digits < 0, &whole, &fraction);
        return Ok(());
    }
    let value = cast(&numbers.slice(row, 1), &Float64)?.as_primitive::<Float64Type>().value(0);
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value < 0.0 { "-\u{221e}" } else { "\u{221e}" });
    } else {
        let digits = format!("{:.*}", form.most_fraction, value.abs());
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        form.write(out, value.is_sign_negative(), whole, fraction);
    }
    Ok(())
}

/// The digits of a decimal before the point, and `most` of those behind it.
fn rounded(digits: u128, scale: i8, most: usize) -> (String, String) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let mut digits = digits;
    let mut kept = scale;
    if scale > most {
        // A scale is 38 at most, and so is what is cut off.
        let unit = 10_u128.pow(u32::try_from(scale - most).unwrap_or(0));
        let (quotient, rest) = (digits / unit, digits % unit);
        let up = rest > unit - rest || (rest == unit - rest && quotient % 2 == 1);
        digits = quotient + u128::from(up);
        kept = most;
    }
    let text = format!("{digits:0>width$}", width = kept + 1);
    let (whole, fraction) = text.split_at(text.len() - kept);
    (whole.to_owned(), format!("{fraction:0<most$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_digit() {
        let text = |digits, scale, most| {
            let (whole, fraction) = rounded(digits, scale, most);
            format!("{whole}.{fraction}")
        };
        assert_eq!(text(125, 3, 2), "0.12");
        assert_eq!(text(135, 3, 2), "0.14");
        assert_eq!(text(25, 1, 0), "2.");
        assert_eq!(text(7, 0, 3), "7.000");
        assert_eq!(text(999, 2, 1), "10.0");
    }
}
