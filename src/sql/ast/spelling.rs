//! Spark's functions under the names that DataFusion has for them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DuplicateTreatment, ExactNumberInfo, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Ident, NullTreatment, ObjectName, TimezoneInfo, UnaryOperator, Value,
    visit_expressions,
};

use crate::error::{Error, Result};
use crate::sql::ast::{choices, time_calls};
use crate::sql::dialect::UNSIGNED_SHIFT;
use crate::sql::tables::parts_of;

/// Spark's name and DataFusion's.
const SPELLINGS: &[(&str, &str)] = &[
    ("any", "bool_or"),
    ("any_value", "first_value"),
    ("char_length", "character_length"),
    ("curdate", "current_date"),
    ("every", "bool_and"),
    ("first", "first_value"),
    ("last", "last_value"),
    ("ifnull", "coalesce"),
    ("now", "current_timestamp"),
    ("nvl", "coalesce"),
    ("some", "bool_or"),
    ("std", "stddev"),
    ("variance", "var_samp"),
    ("len", "length"),
];

/// Functions whose result differs from call to call.
pub(super) const RANDOM: &[&str] = &[
    "input_file_name",
    "monotonically_increasing_id",
    "rand",
    "randn",
    "random",
    "randstr",
    "shuffle",
    "spark_partition_id",
    "uniform",
    "uuid",
];

/// Gives a function the name and the arguments that DataFusion knows.
///
/// # Errors
/// `Invalid` for `ignoreNulls` that is neither true nor false.
pub(super) fn respell(function: &mut Function) -> Result<()> {
    let Some(name) = plain_name(function) else { return Ok(()) };
    if matches!(name.as_str(), "first" | "last" | "any_value" | "first_value" | "last_value")
        && function.over.is_none()
    {
        take_ignore_nulls(function, &name)?;
    }
    let known = SPELLINGS.iter().find(|(spark, _)| *spark == name);
    let of_time = time_calls::in_full(function, &name);
    let name = of_time.or_else(|| known.map(|(_, ours)| *ours)).unwrap_or(&name);
    function.name = ObjectName::from(vec![Ident::new(name)]);
    Ok(())
}

/// Types that are functions too: `INT('5')` is a cast.
fn cast_type(name: &str) -> Option<DataType> {
    Some(match name {
        "tinyint" => DataType::TinyInt(None),
        "smallint" => DataType::SmallInt(None),
        "int" => DataType::Int(None),
        "bigint" => DataType::BigInt(None),
        "float" => DataType::Float(ExactNumberInfo::None),
        "double" => DataType::Double(ExactNumberInfo::None),
        "decimal" => DataType::Decimal(ExactNumberInfo::None),
        "boolean" => DataType::Boolean,
        "string" => DataType::String(None),
        "binary" => DataType::Binary(None),
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp(None, TimezoneInfo::None),
        _ => return None,
    })
}

/// The functions of windows that give an INT.
const RANKS: &[&str] = &["row_number", "rank", "dense_rank", "ntile"];

/// Puts what DataFusion can plan in the place of what it cannot: operators and casts that are
/// functions to it, or no functions to it, and structs.
pub(super) fn respell_expr(expr: &mut Expr) {
    let plain = |expr: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr.clone()));
    match expr {
        Expr::UnaryOp { op: UnaryOperator::BangNot, expr: inner } => {
            *expr = Expr::UnaryOp { op: UnaryOperator::Not, expr: inner.clone() };
        }
        Expr::UnaryOp { op: UnaryOperator::BitwiseNot, expr: inner } => {
            *expr = call("bitwise_not", vec![plain(inner)]);
        }
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            *expr = call("concat", vec![plain(left), plain(right)]);
        }
        Expr::BinaryOp { left, op, right } if shift(op).is_some() => {
            if let Some(function) = shift(op) {
                *expr = call(function, vec![plain(left), plain(right)]);
            }
        }
        Expr::RLike { negated, expr: text, pattern, .. } => {
            let matched = call("rlike", vec![plain(text), plain(pattern)]);
            *expr = match negated {
                true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matched) },
                false => matched,
            };
        }
        Expr::Struct { values, .. } | Expr::Tuple(values) => {
            *expr = named_struct(values);
        }
        Expr::Function(function) => {
            if let Some(other) = respelled_call(function) {
                *expr = other;
            }
        }
        _ => (),
    }
}

/// A struct as a call, whose fields are called as what they are made of.
fn named_struct(values: &[Expr]) -> Expr {
    let plain = |expr: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr.clone()));
    let mut args = Vec::with_capacity(values.len() * 2);
    for (at, value) in values.iter().enumerate() {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value.clone(), &**expr),
            Expr::Identifier(name) => (name.value.clone(), value),
            Expr::CompoundIdentifier(parts) => {
                (parts.last().map_or_else(String::new, |part| part.value.clone()), value)
            }
            other => (format!("col{}", at + 1), other),
        };
        let name = Expr::value(Value::SingleQuotedString(name));
        args.extend([plain(&name), plain(value)]);
    }
    call("named_struct", args)
}

/// What to plan in the place of a call; `None` for a call that stays.
fn respelled_call(function: &mut Function) -> Option<Expr> {
    let name = plain_name(function)?;
    if function.over.is_some() && RANKS.contains(&name.as_str()) {
        return Some(cast(Expr::Function(function.clone()), DataType::Int(None)));
    }
    let FunctionArguments::List(list) = &mut function.args else { return None };
    // The text comes last in Spark, and first in DataFusion.
    if matches!(name.as_str(), "ltrim" | "rtrim") && list.args.len() == 2 {
        list.args.swap(0, 1);
    }
    if let Some(choice) = choices::respelled(&name, &list.args) {
        return Some(choice);
    }
    match (name.as_str(), list.args.as_slice()) {
        // As an operator it knows how many digits a whole number beside a decimal has.
        (
            "mod",
            [
                FunctionArg::Unnamed(FunctionArgExpr::Expr(left)),
                FunctionArg::Unnamed(FunctionArgExpr::Expr(right)),
            ],
        ) => {
            let side = |side: &Expr| Box::new(Expr::Nested(Box::new(side.clone())));
            let op = BinaryOperator::Modulo;
            Some(Expr::BinaryOp { left: side(left), op, right: side(right) })
        }
        // A call of nothing has no types for the planner to look at.
        ("concat", []) => Some(Expr::value(Value::SingleQuotedString(String::new()))),
        ("map", []) => {
            let empty = FunctionArg::Unnamed(FunctionArgExpr::Expr(call("array", vec![])));
            Some(call("map_from_arrays", vec![empty.clone(), empty]))
        }
        (_, [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))]) => {
            cast_type(&name).map(|data_type| cast(inner.clone(), data_type))
        }
        _ => None,
    }
}

/// The function that shifts as an operator does.
fn shift(op: &BinaryOperator) -> Option<&'static str> {
    match op {
        BinaryOperator::PGBitwiseShiftLeft => Some("shiftleft"),
        BinaryOperator::PGBitwiseShiftRight => Some("shiftright"),
        BinaryOperator::Custom(op) if op == UNSIGNED_SHIFT => Some("shiftrightunsigned"),
        _ => None,
    }
}

/// A cast.
pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    let expr = Box::new(expr);
    Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None }
}

/// A plain call.
pub(super) fn call(name: &str, args: Vec<FunctionArg>) -> Expr {
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: vec![] };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// Functions with words between their arguments, as plain functions.
pub(super) fn respell_words(expr: &mut Expr) {
    let plain = |expr: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr.clone()));
    match expr {
        Expr::Substring { expr: text, substring_from, substring_for, .. } => {
            let from = substring_from.as_deref().cloned();
            let from = from.unwrap_or_else(|| Expr::value(Value::Number("1".to_owned(), false)));
            let mut args = vec![plain(text), plain(&from)];
            args.extend(substring_for.iter().map(|length| plain(length)));
            *expr = call("substring", args);
        }
        Expr::Position { expr: part, r#in } => {
            *expr = call("locate", vec![plain(part), plain(r#in)]);
        }
        Expr::Overlay { expr: text, overlay_what, overlay_from, overlay_for } => {
            let mut args = vec![plain(text), plain(overlay_what), plain(overlay_from)];
            args.extend(overlay_for.iter().map(|length| plain(length)));
            *expr = call("overlay", args);
        }
        Expr::Ceil { expr: number, field: CeilFloorKind::Scale(scale) } => {
            let scale = Expr::Value(scale.clone());
            *expr = call("ceil", vec![plain(number), plain(&scale)]);
        }
        Expr::Floor { expr: number, field: CeilFloorKind::Scale(scale) } => {
            let scale = Expr::Value(scale.clone());
            *expr = call("floor", vec![plain(number), plain(&scale)]);
        }
        _ => (),
    }
}

/// `grouping_id()` is `grouping` of all keys, and both have types of their own in Spark.
pub(super) fn respell_grouping(expr: &mut Expr, keys: &[Expr]) {
    let Expr::Function(function) = &mut *expr else { return };
    let data_type = match plain_name(function).as_deref() {
        Some("grouping_id") => DataType::BigInt(None),
        Some("grouping") => DataType::TinyInt(None),
        _ => return,
    };
    function.name = ObjectName::from(vec![Ident::new("grouping")]);
    if let FunctionArguments::List(list) = &mut function.args
        && list.args.is_empty()
    {
        let all = keys.iter().cloned();
        list.args = all.map(|key| FunctionArg::Unnamed(FunctionArgExpr::Expr(key))).collect();
    }
    *expr = cast(expr.clone(), data_type);
}

/// Makes `-x` a function, which knows whether the session is in ANSI mode.
pub(super) fn respell_minus(expr: &mut Expr) {
    let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr else { return };
    let argument = FunctionArg::Unnamed(FunctionArgExpr::Expr((**inner).clone()));
    *expr = call("negative", vec![argument]);
}

/// Refuses an aggregate over what differs from call to call: its result would depend on nothing.
///
/// # Errors
/// `Invalid`.
pub(super) fn refuse_random_arguments(
    function: &Function,
    is_aggregate: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let Some(name) = plain_name(function).filter(|name| is_aggregate(name)) else { return Ok(()) };
    let found = visit_expressions(&function.args, |expr| match expr {
        Expr::Function(inner) => match plain_name(inner) {
            Some(inner) if RANDOM.contains(&inner.as_str()) => ControlFlow::Break(inner),
            _ => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(random) => Err(Error::invalid(format!(
            "`{name}` cannot aggregate `{random}()`, whose result differs from row to row without reason; compute it in a subquery"
        ))),
    }
}

/// The name of a function without a qualifier, in lower case.
pub(super) fn plain_name(function: &Function) -> Option<String> {
    match parts_of(&function.name).as_slice() {
        [only] => Some(only.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// `first(x, true)` is `first(x) IGNORE NULLS`.
fn take_ignore_nulls(function: &mut Function, name: &str) -> Result<()> {
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    if list.duplicate_treatment == Some(DuplicateTreatment::All) {
        list.duplicate_treatment = None;
    }
    let inside = list
        .clauses
        .iter()
        .position(|clause| matches!(clause, FunctionArgumentClause::IgnoreOrRespectNulls(_)));
    if let Some(at) = inside
        && let FunctionArgumentClause::IgnoreOrRespectNulls(treatment) = list.clauses.remove(at)
    {
        function.null_treatment = Some(treatment);
    }
    if list.args.len() != 2 {
        return Ok(());
    }
    let flag = match list.args.pop() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))) => {
            match value.value {
                Value::Boolean(flag) => Some(flag),
                _ => None,
            }
        }
        _ => None,
    };
    match flag {
        Some(ignore) => {
            if ignore {
                function.null_treatment = Some(NullTreatment::IgnoreNulls);
            }
            Ok(())
        }
        None => Err(Error::invalid(format!(
            "the second argument of `{name}` says whether nulls are ignored; it must be true or false"
        ))),
    }
}
