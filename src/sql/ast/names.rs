//! The names that Spark gives columns without an alias: `count(1)`, `(v * 2)`, `CAST(x AS STRING)`.
//!
//! They are read off the text of the query before its names and functions are respelled, so that
//! a column is called what the user calls it.

use arrow::datatypes::DataType;
use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, CeilFloorKind, DataType as SqlType, Expr, Function,
    FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction, OrderByExpr, Subscript,
    TrimWhereField, UnaryOperator, Value, WindowFrameBound, WindowSpec, WindowType,
};

use crate::column_names::shown;
use crate::error::Result;
use crate::sql::ast::aggregates::within_group_name;
use crate::sql::ast::bind_expr::Names;
use crate::sql::ast::binder::Binder;
use crate::sql::ast::function_names;
use crate::sql::ast::scope::{exact_place, same};
use crate::sql::ast::spelling::plain_name;
use crate::sql::ast::time_names;
use crate::sql::ast::{likes, literals};
use crate::sql::interval;
use crate::sql::types::{arrow_type, spark_type_name};

/// The name of a column of SELECT without an alias.
///
/// # Errors
/// `Invalid` for a name that is ambiguous.
pub(super) fn of(expr: &Expr, names: &Names<'_>, binder: &Binder<'_>) -> Result<String> {
    match expr {
        Expr::Identifier(name) => called(name, names, binder),
        Expr::CompoundIdentifier(parts) => {
            Ok(parts.last().map_or_else(String::new, |part| shown(&part.value).to_owned()))
        }
        Expr::Nested(inner) => of(inner, names, binder),
        Expr::Function(function) if binder.column_called(function, names)?.is_some() => {
            Ok(function.name.to_string())
        }
        // The cast of a column is called as the column.
        Expr::Cast { expr: inner, .. } if binder.is_column(inner, names)? => {
            of(inner, names, binder)
        }
        other => Printer { names, binder, parameters: vec![] }.print(other),
    }
}

/// What a user calls a column that is named by one word.
fn called(name: &Ident, names: &Names<'_>, binder: &Binder<'_>) -> Result<String> {
    if exact_place(&name.value).is_none() {
        return Ok(shown(&name.value).to_owned());
    }
    let found = binder.find(std::slice::from_ref(name), names)?;
    let own = found.and_then(|found| found.parts.last().map(|own| shown(own).to_owned()));
    Ok(own.unwrap_or_else(|| name.value.clone()))
}

struct Printer<'a> {
    names: &'a Names<'a>,
    binder: &'a Binder<'a>,
    /// The parameters of the lambdas around.
    parameters: Vec<String>,
}

/// What Spark calls any parameter of a lambda.
const PARAMETER: &str = "namedlambdavariable()";

impl Printer<'_> {
    fn print(&self, expr: &Expr) -> Result<String> {
        Ok(match expr {
            Expr::Identifier(name) if self.is_parameter(name) => PARAMETER.to_owned(),
            Expr::Identifier(name)
                if self.binder.is_earlier(std::slice::from_ref(name), self.names)? =>
            {
                format!("lateralAliasReference({})", name.value)
            }
            Expr::Identifier(name) => called(name, self.names, self.binder)?,
            Expr::Lambda(lambda) => self.lambda(lambda)?,
            Expr::CompoundIdentifier(parts) => self.qualified(parts)?,
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain)?,
            Expr::Nested(inner) => self.print(inner)?,
            Expr::Value(value) => literal(&value.value),
            Expr::TypedString(typed) => {
                let text = typed.value.clone().into_string().unwrap_or_default();
                match literals::number_name(&typed.data_type, &text) {
                    Some(name) => name,
                    None => time_names::literal(&typed.data_type, &text),
                }
            }
            Expr::Function(function)
                if self.binder.column_called(function, self.names)?.is_some() =>
            {
                function.name.to_string()
            }
            Expr::Function(function) => self.function(function)?,
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            Expr::UnaryOp { op, expr } => self.unary(*op, expr)?,
            // The cast of a nested value is called what it casts.
            Expr::Cast { expr, data_type, .. }
                if arrow_type(data_type).is_ok_and(|data_type| data_type.is_nested()) =>
            {
                self.print(expr)?
            }
            Expr::Cast { kind, expr, data_type, .. } => {
                let name = match data_type {
                    // The type that is planned keeps no unit.
                    SqlType::Interval { fields: Some(fields), .. } => format!("interval {fields}"),
                    other => arrow_type(other)
                        .map_or_else(|_e| other.to_string(), |to| spark_type_name(&to)),
                };
                let word = if matches!(kind, CastKind::TryCast | CastKind::SafeCast) {
                    "TRY_CAST"
                } else {
                    "CAST"
                };
                format!("{word}({} AS {})", self.print(expr)?, name.to_uppercase())
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let mut text = "CASE".to_owned();
                for when in conditions {
                    let condition = match operand {
                        Some(operand) => {
                            format!("({} = {})", self.print(operand)?, self.print(&when.condition)?)
                        }
                        None => self.print(&when.condition)?,
                    };
                    text.push_str(&format!(" WHEN {condition} THEN {}", self.print(&when.result)?));
                }
                if let Some(result) = else_result {
                    text.push_str(&format!(" ELSE {}", self.print(result)?));
                }
                text + " END"
            }
            Expr::Subquery(_) => "scalarsubquery()".to_owned(),
            Expr::Struct { values, .. } => format!("struct({})", self.list(values)?),
            Expr::Tuple(values) => {
                let fields = values.iter().enumerate();
                let fields = fields.map(|(at, value)| {
                    self.print(value).map(|value| format!("col{}, {value}", at + 1))
                });
                let fields: Vec<_> = fields.collect::<Result<_>>()?;
                format!("named_struct({})", fields.join(", "))
            }
            Expr::Named { expr, name } => format!("{} AS {}", self.print(expr)?, name.value),
            Expr::Interval(interval) => interval::spark_name(&self.print(&interval.value)?),
            Expr::Exists { negated, .. } => negate("exists()".to_owned(), *negated),
            other => self.predicate(other)?,
        })
    }

    /// A LIKE of several patterns.
    fn likes(&self, (like, negated): (&Expr, bool), text: &Expr, pattern: &Expr) -> Result<String> {
        let Some((several, patterns)) = likes::patterns(pattern) else { return Ok(String::new()) };
        let text = match like {
            Expr::ILike { .. } => format!("lower({})", self.print(text)?),
            _ => self.print(text)?,
        };
        let all_constant = patterns.iter().all(|pattern| likes::is_text(pattern));
        let patterns: Vec<_> =
            patterns.into_iter().map(|pattern| self.print(pattern)).collect::<Result<_>>()?;
        Ok(likes::name((several, negated), &text, &patterns, all_constant))
    }

    /// What has words in place of signs.
    fn predicate(&self, whole: &Expr) -> Result<String> {
        Ok(match whole {
            Expr::IsNull(inner) => format!("({} IS NULL)", self.print(inner)?),
            Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", self.print(inner)?),
            Expr::IsNotTrue(inner) => format!("(NOT ({} <=> true))", self.print(inner)?),
            Expr::IsNotFalse(inner) => format!("(NOT ({} <=> false))", self.print(inner)?),
            Expr::IsUnknown(inner) => format!("({} IS NULL)", self.print(inner)?),
            Expr::IsNotUnknown(inner) => format!("({} IS NOT NULL)", self.print(inner)?),
            Expr::IsDistinctFrom(left, right) => {
                format!("(NOT ({} <=> {}))", self.print(left)?, self.print(right)?)
            }
            Expr::IsNotDistinctFrom(left, right) => {
                format!("({} <=> {})", self.print(left)?, self.print(right)?)
            }
            Expr::Position { expr, r#in } => {
                format!("locate({}, {}, 1)", self.print(expr)?, self.print(r#in)?)
            }
            Expr::IsTrue(inner) => format!("({} <=> true)", self.print(inner)?),
            Expr::IsFalse(inner) => format!("({} <=> false)", self.print(inner)?),
            Expr::Between { expr, negated, low, high } => {
                let all = self.list([&**expr, &**low, &**high])?;
                negate(format!("between({all})"), *negated)
            }
            Expr::InList { expr, list, negated } => {
                let inside = self.list(list)?;
                negate(format!("({} IN ({inside}))", self.print(expr)?), *negated)
            }
            other => self.call_with_words(other)?,
        })
    }

    /// What compares text, and functions with words between their arguments.
    fn call_with_words(&self, whole: &Expr) -> Result<String> {
        Ok(match whole {
            Expr::Like { negated, expr, pattern, .. }
            | Expr::ILike { negated, expr, pattern, .. }
                if likes::patterns(pattern).is_some() =>
            {
                self.likes((whole, *negated), expr, pattern)?
            }
            Expr::Like { negated, expr, pattern, escape_char: Some(escape), .. } => {
                let (text, pattern) = (self.print(expr)?, self.print(pattern)?);
                negate(format!("{text} LIKE {pattern} ESCAPE {escape}"), *negated)
            }
            Expr::Like { negated, expr, pattern, .. } => {
                negate(format!("{} LIKE {}", self.print(expr)?, self.print(pattern)?), *negated)
            }
            Expr::ILike { negated, expr, pattern, .. } => {
                let both = self.list([&**expr, &**pattern])?;
                negate(format!("ilike({both})"), *negated)
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                let both = self.list([&**expr, &**pattern])?;
                negate(format!("RLIKE({both})"), *negated)
            }
            Expr::Substring { expr, substring_from, substring_for, shorthand, .. } => {
                let parts = [substring_from, substring_for].into_iter().flatten();
                let all = self.list(std::iter::once(&**expr).chain(parts.map(|p| &**p)))?;
                let count = 1
                    + usize::from(substring_from.is_some())
                    + usize::from(substring_for.is_some());
                function_names::of(if *shorthand { "substr" } else { "substring" }, &all, count)
            }
            Expr::Trim { expr, trim_where, trim_what, .. } => match trim_what {
                Some(what) if trim_where.is_some() && is_blank(what) => {
                    let name = match trim_where {
                        Some(TrimWhereField::Leading) => "ltrim",
                        Some(TrimWhereField::Trailing) => "rtrim",
                        _ => "trim",
                    };
                    format!("{name}({})", self.print(expr)?)
                }
                Some(what) => {
                    let side =
                        trim_where.as_ref().map_or_else(|| "BOTH".to_owned(), ToString::to_string);
                    format!("TRIM({side} {} FROM {})", self.print(what)?, self.print(expr)?)
                }
                None => format!("trim({})", self.print(expr)?),
            },
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let parts =
                    [Some(expr), Some(overlay_what), Some(overlay_from), overlay_for.as_ref()];
                let all = self.list(parts.into_iter().flatten().map(|part| &**part))?;
                function_names::of("overlay", &all, 3 + usize::from(overlay_for.is_some()))
            }
            Expr::Ceil { expr, field: CeilFloorKind::Scale(scale) } => {
                format!("ceil({}, {scale})", self.print(expr)?)
            }
            Expr::Floor { expr, field: CeilFloorKind::Scale(scale) } => {
                format!("floor({}, {scale})", self.print(expr)?)
            }
            Expr::Ceil { expr, .. } => format!("CEIL({})", self.print(expr)?),
            Expr::Floor { expr, .. } => format!("FLOOR({})", self.print(expr)?),
            Expr::Extract { field, expr, .. } => {
                format!("extract({field} FROM {})", self.print(expr)?)
            }
            other => other.to_string(),
        })
    }

    fn list<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<String> {
        let all: Vec<_> = exprs.into_iter().map(|expr| self.print(expr)).collect::<Result<_>>()?;
        Ok(all.join(", "))
    }

    fn is_parameter(&self, name: &Ident) -> bool {
        self.parameters.iter().any(|parameter| same(parameter, &name.value))
    }

    fn lambda(&self, lambda: &LambdaFunction) -> Result<String> {
        let Self { names, binder, parameters } = self;
        let mut parameters = parameters.clone();
        let own = lambda.params.len();
        parameters.extend(lambda.params.iter().map(|parameter| parameter.name.value.clone()));
        let body = Printer { names, binder, parameters }.print(&lambda.body)?;
        Ok(format!("lambdafunction({body}, {})", [PARAMETER].repeat(own).join(", ")))
    }

    /// A column without its table, a field with its column.
    fn qualified(&self, parts: &[Ident]) -> Result<String> {
        if let [first, fields @ ..] = parts
            && self.is_parameter(first)
        {
            let fields = fields.iter().map(|field| field.value.as_str());
            return Ok([PARAMETER].into_iter().chain(fields).collect::<Vec<_>>().join("."));
        }
        let from = match self.binder.find(parts, self.names)? {
            Some(found) => {
                parts.len() - (found.parts.len() - found.qualifier_parts).min(parts.len())
            }
            None => 0,
        };
        Ok(parts[from..].iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join("."))
    }

    fn access(&self, root: &Expr, chain: &[AccessExpr]) -> Result<String> {
        let mut text = self.print(root)?;
        for access in chain {
            match access {
                AccessExpr::Dot(Expr::Identifier(field)) => {
                    text.push('.');
                    text.push_str(&field.value);
                }
                AccessExpr::Dot(other) => text.push_str(&format!(".{other}")),
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    text.push_str(&format!("[{}]", self.print(index)?));
                }
                AccessExpr::Subscript(slice @ Subscript::Slice { .. }) => {
                    text.push_str(&format!("[{slice}]"));
                }
            }
        }
        Ok(text)
    }

    fn function(&self, function: &Function) -> Result<String> {
        let name = plain_name(function).unwrap_or_else(|| function.name.to_string());
        let mut arguments = self.arguments(&function.args)?;
        let called = time_names::call(&name, &mut arguments);
        if matches!(called.as_str(), "from_json" | "from_csv") {
            // The schema and the options are no part of the name.
            let schema = arguments.get(1).map(|schema| schema.to_ascii_uppercase());
            if called == "from_json" && schema.is_some_and(|schema| schema.starts_with("MAP<")) {
                return Ok("entries".to_owned());
            }
            arguments.truncate(1);
        }
        if matches!(called.as_str(), "to_json" | "to_csv" | "schema_of_json" | "schema_of_csv") {
            arguments.truncate(1);
        }
        if function.over.is_some() && matches!(called.as_str(), "lag" | "lead") {
            let given = arguments.len();
            arguments.extend(
                ["1", "NULL"].iter().skip(given.saturating_sub(1)).map(|&one| one.to_owned()),
            );
        }
        if let Some(name) = likes::call_name(&called, &arguments) {
            return Ok(name);
        }
        if let ("ltrim" | "rtrim", [what, text]) = (called.as_str(), arguments.as_slice()) {
            let side = if called == "ltrim" { "LEADING" } else { "TRAILING" };
            return Ok(format!("TRIM({side} {what} FROM {text})"));
        }
        if matches!(called.as_str(), "aggregate" | "reduce") && arguments.len() == 3 {
            arguments.push(format!("lambdafunction({PARAMETER}, {PARAMETER})"));
        }
        let count = arguments.len();
        let mut text = function_names::of(&called, &arguments.join(", "), count);
        let orders = function.within_group.iter();
        let orders = orders.map(|order| Ok((self.print(&order.expr)?, order)));
        text.push_str(&within_group_name(&called, &orders.collect::<Result<Vec<_>>>()?));
        if let Some(filter) = &function.filter {
            text.push_str(&format!(" FILTER (WHERE {})", self.print(filter)?));
        }
        match &function.over {
            Some(WindowType::WindowSpec(spec)) => {
                let shift = arguments.get(1).map(String::as_str);
                text.push_str(&format!(" OVER ({})", self.window((&name, shift), spec)?));
            }
            Some(WindowType::NamedWindow(window)) => text.push_str(&format!(" OVER {window}")),
            None => (),
        }
        Ok(text)
    }

    fn arguments(&self, arguments: &FunctionArguments) -> Result<Vec<String>> {
        let FunctionArguments::List(list) = arguments else { return Ok(Vec::new()) };
        let mut all: Vec<_> = list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.print(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Ok("1".to_owned()),
                other => Ok(other.to_string()),
            })
            .collect::<Result<_>>()?;
        if let (Some(word), Some(first)) = (list.duplicate_treatment, all.first_mut()) {
            *first = format!("{word} {first}");
        }
        Ok(all)
    }

    /// The window of `OVER`, with the frame that it has when it names none.
    fn window(&self, (function, shift): (&str, Option<&str>), spec: &WindowSpec) -> Result<String> {
        let mut parts = Vec::new();
        if !spec.partition_by.is_empty() {
            parts.push(format!("PARTITION BY {}", self.list(&spec.partition_by)?));
        }
        if !spec.order_by.is_empty() {
            let order: Vec<_> =
                spec.order_by.iter().map(|order| self.order(order)).collect::<Result<_>>()?;
            parts.push(format!("ORDER BY {}", order.join(", ")));
        }
        let is_rank =
            matches!(function, "row_number" | "rank" | "dense_rank" | "percent_rank" | "ntile");
        parts.push(match &spec.window_frame {
            Some(frame) => {
                let end = frame.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow);
                format!("{} BETWEEN {} AND {end}", frame.units, frame.start_bound)
            }
            None if matches!(function, "lag" | "lead") => {
                let sign = if function == "lag" { "-" } else { "" };
                let shift = shift.unwrap_or("1");
                format!("ROWS BETWEEN {sign}{shift} FOLLOWING AND {sign}{shift} FOLLOWING")
            }
            None if is_rank => "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
            None if spec.order_by.is_empty() => {
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".to_owned()
            }
            None => "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW".to_owned(),
        });
        Ok(parts.join(" "))
    }

    fn order(&self, order: &OrderByExpr) -> Result<String> {
        let ascending = order.options.asc != Some(false);
        let nulls_first = order.options.nulls_first.unwrap_or(ascending);
        Ok(format!(
            "{} {} NULLS {}",
            self.print(&order.expr)?,
            if ascending { "ASC" } else { "DESC" },
            if nulls_first { "FIRST" } else { "LAST" }
        ))
    }

    fn binary(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<String> {
        let of_date = |side| self.binder.type_of(side, self.names) == Some(DataType::Date32);
        let shifted = time_names::shifted(left, op, right, of_date(left));
        let (left, right) = (self.print(left)?, self.print(right)?);
        if let Some(shifted) = shifted {
            return Ok(shifted.name(&left, op, &right));
        }
        Ok(match op {
            BinaryOperator::NotEq => format!("(NOT ({left} = {right}))"),
            BinaryOperator::StringConcat => format!("concat({left}, {right})"),
            BinaryOperator::MyIntegerDivide => format!("({left} div {right})"),
            op => format!("({left} {op} {right})"),
        })
    }

    fn unary(&self, op: UnaryOperator, expr: &Expr) -> Result<String> {
        let inner = self.print(expr)?;
        Ok(match op {
            UnaryOperator::Minus if matches!(expr, Expr::Value(_)) => format!("-{inner}"),
            UnaryOperator::Minus if literals::is_typed_number(expr) => format!("-{inner}"),
            UnaryOperator::BitwiseNot => format!("~{inner}"),
            UnaryOperator::Not | UnaryOperator::BangNot => format!("(NOT {inner})"),
            op => format!("({op} {inner})"),
        })
    }
}

fn is_blank(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if value.value == Value::SingleQuotedString(" ".to_owned()))
}

fn negate(text: String, negated: bool) -> String {
    if negated { format!("(NOT {text})") } else { text }
}

/// Texts stand without their quotes.
fn literal(value: &Value) -> String {
    match value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
        Value::Null => "NULL".to_owned(),
        // A digit stands on both sides of a point.
        Value::Number(digits, _) if digits.starts_with('.') => format!("0{digits}"),
        Value::Number(digits, _) => digits.trim_end_matches('.').to_owned(),
        other => other.to_string(),
    }
}
