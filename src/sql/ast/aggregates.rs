//! Aggregates that are written in a way of their own: with WITHIN GROUP, over several columns, or
//! as a form of another one. They become plain calls, whose order is among the arguments.

use sqlparser::ast::{
    DataType, DuplicateTreatment, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, OrderByExpr, Value,
};

use crate::error::{Error, Result};
use crate::sql::ast::choices::case;
use crate::sql::ast::spelling::{call, cast, plain_name};
use crate::sql::functions::aggregate::counted::{
    DISCRETE, DISCRETE_DOWN, MODE_DOWN, PERCENTILE_DOWN,
};
use crate::sql::functions::aggregate::joined::{LISTAGG, order_letter};
use crate::sql::functions::aggregate::lenient::WRAPPING_SUM;
use crate::sql::functions::conditional::TRUE_OR_NULL;

/// Writes an aggregate as a call that the planner knows.
///
/// # Errors
/// `Invalid` for a WITHIN GROUP that is missing, is too much, or contradicts DISTINCT.
pub(super) fn respell(function: &mut Function, is_ansi: bool) -> Result<()> {
    let Some(name) = plain_name(function) else { return Ok(()) };
    match name.as_str() {
        "percentile_cont" | "percentile_disc" => return percentile(function, &name),
        "mode" => return mode(function),
        "listagg" | "string_agg" => return listagg(function, &name),
        "count" => check_count(function)?,
        _ => (),
    }
    if !function.within_group.is_empty() {
        return Err(Error::invalid(format!(
            "`{name}` takes no WITHIN GROUP; leave it out, or sort what it gives"
        )));
    }
    let is_distinct = is_distinct(function);
    match (name.as_str(), arguments(function).as_slice()) {
        ("count_if", [condition]) => {
            let condition = call(TRUE_OR_NULL, vec![plain(condition.clone())]);
            become_call(function, "count", vec![condition]);
        }
        ("count", [_, _, ..]) if is_distinct => {
            let values = arguments(function);
            let there = all_known(&values);
            let row = Expr::Struct { values, fields: vec![] };
            become_call(function, "count", vec![where_known(there, row)]);
        }
        ("regr_count", [y, x]) => {
            let number =
                |value: &Expr| cast(value.clone(), DataType::Double(ExactNumberInfo::None));
            become_call(function, "count", vec![number(y), number(x)]);
        }
        ("regr_avgx", [y, x]) | ("regr_avgy", [x, y]) => {
            let value = where_known(known(y), x.clone());
            become_call(function, "avg", vec![value]);
        }
        ("approx_count_distinct", [value, deviation]) => {
            let deviation = number(deviation).ok_or_else(|| {
                Error::invalid("the deviation of `approx_count_distinct` must be a number")
            })?;
            if deviation < LEAST_DEVIATION {
                return Err(Error::unsupported(format!(
                    "`approx_count_distinct` is exact to {LEAST_DEVIATION}, not to {deviation}; use count(DISTINCT ..) on a table"
                )));
            }
            become_call(function, "approx_count_distinct", vec![value.clone()]);
        }
        _ => (),
    }
    if !is_ansi {
        match name.as_str() {
            "sum" => function.name = ObjectName::from(vec![Ident::new(WRAPPING_SUM)]),
            "avg" | "mean" => function.name = ObjectName::from(vec![Ident::new("try_avg")]),
            _ => (),
        }
    }
    Ok(())
}

/// Refuses what could be taken for `count(*)`.
fn check_count(function: &Function) -> Result<()> {
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    match list.args.as_slice() {
        [] => Err(Error::invalid("`count` takes what it counts; write count(*) for all rows")),
        [FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(_))] => Err(Error::invalid(
            "`count` of all columns of a table is not what it seems; write count(*), or name the columns",
        )),
        _ => Ok(()),
    }
}

/// How far an estimate of the number of distinct values may be off.
const LEAST_DEVIATION: f64 = 0.01;

/// What Spark writes behind the name of an aggregate with an order: the text of each key, and how
/// it is ordered.
pub(super) fn within_group_name(name: &str, orders: &[(String, &OrderByExpr)]) -> String {
    let keys: Vec<String> = orders
        .iter()
        .map(|(text, order)| {
            let ascending = order.options.asc != Some(false);
            match name {
                "listagg" | "string_agg" => {
                    let nulls_first = order.options.nulls_first.unwrap_or(ascending);
                    format!(
                        "{text} {} NULLS {}",
                        if ascending { "ASC" } else { "DESC" },
                        if nulls_first { "FIRST" } else { "LAST" }
                    )
                }
                // This is what Spark writes: the other way round.
                "mode" => format!("{text}{}", if ascending { " DESC" } else { "" }),
                _ => format!("{text}{}", if ascending { "" } else { " DESC" }),
            }
        })
        .collect();
    if keys.is_empty() {
        String::new()
    } else {
        format!(" WITHIN GROUP (ORDER BY {})", keys.join(", "))
    }
}

fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list)
        if list.duplicate_treatment == Some(DuplicateTreatment::Distinct))
}

/// The arguments that are expressions.
fn arguments(function: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let exprs = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    exprs.collect()
}

fn plain(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

fn become_call(function: &mut Function, name: &str, arguments: Vec<Expr>) {
    function.name = ObjectName::from(vec![Ident::new(name)]);
    function.within_group.clear();
    if let FunctionArguments::List(list) = &mut function.args {
        list.args = arguments.into_iter().map(plain).collect();
    }
}

fn known(value: &Expr) -> Expr {
    Expr::IsNotNull(Box::new(Expr::Nested(Box::new(value.clone()))))
}

fn all_known(values: &[Expr]) -> Expr {
    let mut tests = values.iter().map(known);
    let first = tests.next().unwrap_or_else(|| Expr::value(Value::Boolean(true)));
    tests.fold(first, |left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: sqlparser::ast::BinaryOperator::And,
        right: Box::new(right),
    })
}

fn where_known(condition: Expr, value: Expr) -> Expr {
    case(vec![(condition, value)], None)
}

fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::TypedString(typed) => typed.value.clone().into_string()?.parse().ok(),
        _ => None,
    }
}

/// The only key of WITHIN GROUP, and whether it runs upwards.
fn only_key(function: &Function, name: &str) -> Result<(Expr, bool)> {
    match function.within_group.as_slice() {
        [key] => Ok((key.expr.clone(), key.options.asc != Some(false))),
        [] => Err(Error::invalid(format!(
            "`{name}` needs an order; write {name}(..) WITHIN GROUP (ORDER BY ..)"
        ))),
        _ => Err(Error::invalid(format!("`{name}` is ordered by one value only"))),
    }
}

fn percentile(function: &mut Function, name: &str) -> Result<()> {
    let (key, is_up) = only_key(function, name)?;
    let [share] = arguments(function).try_into().map_err(|_all| {
        Error::invalid(format!("`{name}` takes one argument, a share from 0 to 1"))
    })?;
    let name = match (name, is_up) {
        ("percentile_cont", true) => "percentile",
        ("percentile_cont", false) => PERCENTILE_DOWN,
        (_, true) => DISCRETE,
        (_, false) => DISCRETE_DOWN,
    };
    become_call(function, name, vec![key, share]);
    Ok(())
}

fn mode(function: &mut Function) -> Result<()> {
    if function.within_group.is_empty() {
        return Ok(());
    }
    let (key, is_up) = only_key(function, "mode")?;
    if !arguments(function).is_empty() {
        return Err(Error::invalid(
            "`mode` takes either a value or WITHIN GROUP; write mode() WITHIN GROUP (ORDER BY ..)",
        ));
    }
    become_call(function, if is_up { "mode" } else { MODE_DOWN }, vec![key]);
    Ok(())
}

fn listagg(function: &mut Function, name: &str) -> Result<()> {
    let mut all = arguments(function);
    if all.is_empty() || all.len() > 2 {
        return Err(Error::invalid(format!("`{name}` takes a value and a constant delimiter")));
    }
    let (is_distinct, value) = (is_distinct(function), all[0].clone());
    if is_distinct && function.within_group.iter().any(|key| key.expr != value) {
        return Err(Error::invalid(format!(
            "`{name}` with DISTINCT can be ordered by nothing but its value"
        )));
    }
    let null = || Expr::value(Value::Null);
    if all.len() == 1 {
        all.push(null());
    }
    let letters: String = function
        .within_group
        .iter()
        .map(|key| {
            let ascending = key.options.asc != Some(false);
            order_letter(ascending, key.options.nulls_first.unwrap_or(ascending))
        })
        .collect();
    all.push(Expr::value(Value::SingleQuotedString(letters)));
    all.extend(function.within_group.iter().map(|key| key.expr.clone()));
    become_call(function, LISTAGG, all);
    Ok(())
}
