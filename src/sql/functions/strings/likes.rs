//! `like` and `ilike` with an escape of their own. With a backslash they are operators, which the
//! planner knows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder};
use arrow::datatypes::DataType::Boolean;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;
use regex::{Regex, RegexBuilder};

use crate::sql::functions::define::{Arguments, Function, texts};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("like", |given| texts(given, 3..=3, Boolean), |args| like(args, false)),
        Function::new("ilike", |given| texts(given, 3..=3, Boolean), |args| like(args, true)),
    ]
    .map(Function::udf)
    .to_vec()
}

fn like(args: &Arguments, ignores_case: bool) -> Result<ArrayRef> {
    let (text, patterns, escapes) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let mut out = BooleanBuilder::with_capacity(args.rows);
    let mut last: Option<(&str, &str, Regex)> = None;
    for row in 0..args.rows {
        if !args.all_valid(row) {
            out.append_null();
            continue;
        }
        let (pattern, escape) = (patterns.value(row), escapes.value(row));
        if last.as_ref().is_none_or(|(known, by, _)| (*known, *by) != (pattern, escape)) {
            last = Some((pattern, escape, compile(args, (pattern, escape), ignores_case)?));
        }
        out.append_option(last.as_ref().map(|(_, _, regex)| regex.is_match(text.value(row))));
    }
    Ok(Arc::new(out.finish()))
}

fn compile(args: &Arguments, (pattern, escape): (&str, &str), ignores_case: bool) -> Result<Regex> {
    let mut letters = escape.chars();
    let (Some(escape), None) = (letters.next(), letters.next()) else {
        return Err(args.fail(format!("the escape must be one letter, not `{escape}`")));
    };
    let mut text = String::from("^");
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter == escape => match letters.next() {
                Some(next) if next == escape || next == '_' || next == '%' => {
                    text.push_str(&regex::escape(next.encode_utf8(&mut [0; 4])));
                }
                _ => {
                    return Err(args.fail(format!(
                        "in the pattern `{pattern}` the escape `{escape}` has to stand before `%`, `_` or itself"
                    )));
                }
            },
            '%' => text.push_str(".*"),
            '_' => text.push('.'),
            other => text.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    text.push('$');
    let compiled =
        RegexBuilder::new(&text).case_insensitive(ignores_case).dot_matches_new_line(true).build();
    compiled.map_err(|error| args.fail(format!("the pattern `{pattern}` cannot be used: {error}")))
}
