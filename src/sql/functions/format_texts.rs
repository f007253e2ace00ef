//! The arguments of `format_string` that `%s` shows: as the texts that a cast makes of them.
//!
//! DataFusion's function shows the digits of a decimal without its point, doubles in a form of its
//! own, and a BOOLEAN that is null as false.

use arrow::datatypes::DataType::{self, Boolean, Decimal128, Float32, Float64, Utf8};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};

/// A call whose arguments for `%s` are texts, where the format is written down.
pub(super) fn with_texts(mut call: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let places = match call.args.first() {
        Some(Expr::Literal(ScalarValue::Utf8(Some(format)), _)) => shown_as_text(format),
        _ => vec![],
    };
    let mut changed = false;
    for place in places {
        // The first argument is the format.
        let Some(argument) = call.args.get_mut(place + 1) else { continue };
        if argument.get_type(schema).is_ok_and(|of| needs_text(&of)) {
            *argument = cast(argument.clone(), Utf8);
            changed = true;
        }
    }
    let call = Expr::ScalarFunction(call);
    if changed { Transformed::yes(call) } else { Transformed::no(call) }
}

const fn needs_text(of: &DataType) -> bool {
    matches!(of, Decimal128(_, _) | Float32 | Float64 | Boolean)
}

/// The places of the arguments that `%s` shows, from 0: `%s` takes the next one, `%2$s` the second.
fn shown_as_text(format: &str) -> Vec<usize> {
    let (mut places, mut next) = (vec![], 0);
    let mut rest = format;
    while let Some((_, behind)) = rest.split_once('%') {
        let end = behind.find(|c: char| c.is_alphabetic() || c == '%').unwrap_or(behind.len());
        let (marks, conversion) = behind.split_at(end);
        let letter = conversion.chars().next();
        rest = &conversion[letter.map_or(0, char::len_utf8)..];
        if matches!(letter, None | Some('%' | 'n')) {
            continue;
        }
        let explicit = marks.split_once('$').and_then(|(place, _)| place.parse::<usize>().ok());
        let place = match explicit {
            Some(place) => place.checked_sub(1),
            None => {
                next += 1;
                Some(next - 1)
            }
        };
        places.extend(place.filter(|_| matches!(letter, Some('s' | 'S'))));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_texts_are_counted_as_java_counts_them() {
        assert_eq!(shown_as_text("%s %d %s"), [0, 2]);
        assert_eq!(shown_as_text("%2$s %1$d %s %% %n %-5S|%05.2f"), [1, 0, 1]);
        assert_eq!(shown_as_text("100%"), [0_usize; 0]);
    }
}
