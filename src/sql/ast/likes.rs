//! LIKE with several patterns, and with an escape of its own.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};

use crate::error::{Error, Result};
use crate::sql::ast::spelling::{call, plain_name};
use crate::sql::marker::{LIKE_ALL, LIKE_ANY};

/// How several patterns are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Several {
    /// One has to fit.
    Any,
    /// All have to fit.
    All,
}

/// The patterns of `LIKE ANY (..)` and `LIKE ALL (..)`.
pub(super) fn patterns(pattern: &Expr) -> Option<(Several, Vec<&Expr>)> {
    let Expr::Function(function) = pattern else { return None };
    let several = match plain_name(function)?.as_str() {
        LIKE_ANY => Several::Any,
        LIKE_ALL => Several::All,
        _ => return None,
    };
    let FunctionArguments::List(list) = &function.args else { return None };
    let patterns = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    Some((several, patterns.collect()))
}

/// Refuses a pattern that is written down and whose escape stands before what needs none.
///
/// # Errors
/// `Invalid`.
pub(super) fn check(expr: &Expr) -> Result<()> {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = expr
    else {
        return Ok(());
    };
    let escape = match escape_char.as_ref().map(|escape| &escape.value) {
        None => '\\',
        Some(Value::SingleQuotedString(escape)) => match escape.chars().next() {
            Some(escape) => escape,
            None => return Ok(()),
        },
        Some(_) => return Ok(()),
    };
    let Expr::Value(written) = &**pattern else { return Ok(()) };
    let Value::SingleQuotedString(pattern) = &written.value else { return Ok(()) };
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != escape {
            continue;
        }
        match letters.next() {
            Some('%' | '_') => (),
            Some(next) if next == escape => (),
            next => {
                let what = next.map_or_else(|| "nothing".to_owned(), |next| format!("`{next}`"));
                return Err(Error::invalid(format!(
                    "the pattern `{pattern}` of LIKE has the escape `{escape}` before {what}, and it may stand before %, _ and itself only; write it twice"
                )));
            }
        }
    }
    Ok(())
}

/// Writes a LIKE of several patterns as one of each.
pub(super) fn spread(expr: &mut Expr) {
    let (Expr::Like { pattern, .. } | Expr::ILike { pattern, .. }) = &*expr else { return };
    let Some((several, patterns)) = patterns(pattern) else { return };
    let patterns: Vec<Expr> = patterns.into_iter().cloned().collect();
    let op = if several == Several::Any { BinaryOperator::Or } else { BinaryOperator::And };
    let each = patterns.into_iter().map(|one| {
        let mut test = expr.clone();
        if let Expr::Like { pattern, .. } | Expr::ILike { pattern, .. } = &mut test {
            **pattern = Expr::Nested(Box::new(one));
        }
        test
    });
    let all = each.reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: Box::new(right),
    });
    if let Some(all) = all {
        *expr = Expr::Nested(Box::new(all));
    }
}

/// Makes a function of a LIKE whose escape is no backslash, and a LIKE of the function without one.
pub(super) fn respell(expr: &mut Expr) {
    let plain = |expr: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr.clone()));
    let (name, negated, text, pattern, escape) = match &*expr {
        Expr::Like { negated, expr, pattern, escape_char: Some(escape), .. } => {
            ("like", *negated, expr, pattern, escape)
        }
        Expr::ILike { negated, expr, pattern, escape_char: Some(escape), .. } => {
            ("ilike", *negated, expr, pattern, escape)
        }
        Expr::Function(function) => {
            let FunctionArguments::List(list) = &function.args else { return };
            let [
                FunctionArg::Unnamed(FunctionArgExpr::Expr(text)),
                FunctionArg::Unnamed(FunctionArgExpr::Expr(pattern)),
            ] = list.args.as_slice()
            else {
                return;
            };
            let (text, pattern) = (Box::new(text.clone()), Box::new(pattern.clone()));
            *expr = match plain_name(function).as_deref() {
                Some("like") => Expr::Like {
                    negated: false,
                    any: false,
                    expr: text,
                    pattern,
                    escape_char: None,
                },
                Some("ilike") => Expr::ILike {
                    negated: false,
                    any: false,
                    expr: text,
                    pattern,
                    escape_char: None,
                },
                _ => return,
            };
            return;
        }
        _ => return,
    };
    let escape = Expr::Value(escape.clone());
    let matched = call(name, vec![plain(text), plain(pattern), plain(&escape)]);
    *expr = match negated {
        true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matched) },
        false => matched,
    };
}

/// What Spark calls a LIKE of several patterns, given the texts of both sides.
pub(super) fn name(
    (several, negated): (Several, bool),
    text: &str,
    patterns: &[String],
    all_constant: bool,
) -> String {
    let negation = if negated { "not" } else { "" };
    let word = if several == Several::Any { "any" } else { "all" };
    if all_constant {
        return format!("{negation}like{word}({text})");
    }
    let op = if several == Several::Any { " OR " } else { " AND " };
    let each = patterns.iter().map(|pattern| {
        let one = format!("{text} LIKE {pattern}");
        if negated { format!("(NOT {one})") } else { one }
    });
    format!("({})", each.collect::<Vec<_>>().join(op))
}

/// What Spark calls the functions that are operators too.
pub(super) fn call_name(function: &str, arguments: &[String]) -> Option<String> {
    match (function, arguments) {
        ("like", [text, pattern]) => Some(format!("{text} LIKE {pattern}")),
        ("like", [text, pattern, escape]) => {
            Some(format!("{text} LIKE {pattern} ESCAPE '{escape}'"))
        }
        ("ilike", [text, pattern, _escape]) => Some(format!("ilike({text}, {pattern})")),
        _ => None,
    }
}

/// Whether a pattern is a text.
pub(super) fn is_text(pattern: &Expr) -> bool {
    matches!(pattern, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}
