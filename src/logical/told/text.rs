//! Expressions as a user of Spark writes them.

use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Case, Expr, Operator};

use crate::error::spelled::spelled;
use crate::formats::type_name::sql_type_name;
use crate::logical::told::Texts;

/// How long a text may get.
const LONGEST: usize = 200;

/// Functions that Spark has a sign for.
const SIGNS: &[(&str, &str)] = &[
    ("add", "+"),
    ("subtract", "-"),
    ("multiply", "*"),
    ("divide", "/"),
    ("div", "DIV"),
    ("mod", "%"),
    ("date_add_interval", "+"),
];

/// Casts that are functions here.
const CASTS: &[&str] = &["cast_time", "cast_number", "squeeze_number"];

/// Whether a function is written as a sign between its arguments.
pub(super) fn is_sign(name: &str) -> bool {
    SIGNS.iter().any(|(known, _)| *known == name)
}

/// Spells expressions. It knows what the optimizer has put into columns of its own.
#[derive(Debug, Default)]
pub(super) struct Spelling(Texts);

impl Spelling {
    /// Takes note of what becomes of columns that no user knows.
    pub(super) fn learn(&mut self, expressions: &[Expr]) {
        for expr in expressions {
            if let Expr::Alias(alias) = expr
                && alias.name.starts_with("__")
            {
                let text = self.part(&alias.expr);
                self.0.insert(alias.name.clone(), text);
            }
        }
    }

    /// The expression as text, cut where it is long.
    pub(super) fn text(&self, expr: &Expr) -> String {
        let text = self.whole(expr);
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }

    fn whole(&self, expr: &Expr) -> String {
        match expr {
            Expr::Alias(alias) => self.whole(&alias.expr),
            Expr::Column(column) => self.column(column),
            Expr::Literal(value, _) => literal(value),
            Expr::BinaryExpr(binary) => {
                let op = match binary.op {
                    Operator::NotEq => "<>".to_owned(),
                    Operator::StringConcat => "||".to_owned(),
                    Operator::IsNotDistinctFrom => "<=>".to_owned(),
                    op => op.to_string(),
                };
                format!("{} {op} {}", self.part(&binary.left), self.part(&binary.right))
            }
            Expr::Cast(cast) => self.cast("CAST", &cast.expr, cast.field.data_type()),
            Expr::TryCast(cast) => self.cast("TRY_CAST", &cast.expr, cast.field.data_type()),
            Expr::ScalarFunction(call) => self.call(call),
            Expr::Not(inner) => format!("NOT {}", self.part(inner)),
            Expr::IsNull(inner) => format!("{} IS NULL", self.part(inner)),
            Expr::IsNotNull(inner) => format!("{} IS NOT NULL", self.part(inner)),
            Expr::IsTrue(inner) => format!("{} IS TRUE", self.part(inner)),
            Expr::IsFalse(inner) => format!("{} IS FALSE", self.part(inner)),
            Expr::Negative(inner) => format!("-{}", self.part(inner)),
            Expr::Case(case) => self.case(case),
            Expr::InList(list) => {
                let not = if list.negated { "NOT " } else { "" };
                format!("{} {not}IN ({})", self.part(&list.expr), self.list(&list.list))
            }
            Expr::LambdaVariable(variable) => variable.name.clone(),
            other => other.human_display().to_string(),
        }
    }

    /// The same as an operand.
    fn part(&self, expr: &Expr) -> String {
        let text = self.whole(expr);
        match expr {
            Expr::BinaryExpr(_) | Expr::Not(_) | Expr::InList(_) => format!("({text})"),
            Expr::ScalarFunction(call) if is_sign(call.func.name()) => format!("({text})"),
            _ => text,
        }
    }

    fn list(&self, exprs: &[Expr]) -> String {
        exprs.iter().map(|expr| self.whole(expr)).collect::<Vec<_>>().join(", ")
    }

    fn column(&self, column: &Column) -> String {
        if let Some(text) = self.0.get(&column.name) {
            return text.clone();
        }
        // Spark calls the columns of VALUES so.
        if let Some(number) = column.name.strip_prefix("column")
            && number.parse::<u32>().is_ok()
        {
            return format!("col{number}");
        }
        spelled(&column.name)
    }

    fn cast(&self, word: &str, expr: &Expr, to: &arrow::datatypes::DataType) -> String {
        format!("{word}({} AS {})", self.whole(expr), sql_type_name(to))
    }

    fn call(&self, call: &ScalarFunction) -> String {
        let name = call.func.name();
        let sign = SIGNS.iter().find(|(known, _)| *known == name).map(|(_, sign)| *sign);
        match (sign, call.args.as_slice()) {
            (Some(sign), [left, right]) => {
                format!("{} {sign} {}", self.part(left), self.part(right))
            }
            (_, [array, index]) if name == "array_item" => {
                format!("{}[{}]", self.part(array), self.whole(index))
            }
            (_, [inner, name]) if call.func.name() == "get_field" => match name {
                Expr::Literal(name, _) => {
                    let field = name.try_as_str().flatten().unwrap_or_default();
                    format!("{}.{field}", self.part(inner))
                }
                _ => format!("{}[{}]", self.part(inner), self.whole(name)),
            },
            (_, [inner]) if name == "negative" => format!("-{}", self.part(inner)),
            (_, [inner]) if CASTS.contains(&name) => match call.func.return_type(&[]) {
                Ok(to) => self.cast("CAST", inner, &to),
                Err(_) => self.whole(inner),
            },
            (_, args) => format!("{name}({})", self.list(args)),
        }
    }

    fn case(&self, case: &Case) -> String {
        let mut text = "CASE".to_owned();
        if let Some(expr) = &case.expr {
            text.push_str(&format!(" {}", self.whole(expr)));
        }
        for (when, then) in &case.when_then_expr {
            text.push_str(&format!(" WHEN {} THEN {}", self.whole(when), self.whole(then)));
        }
        if let Some(otherwise) = &case.else_expr {
            text.push_str(&format!(" ELSE {}", self.whole(otherwise)));
        }
        text + " END"
    }
}

fn literal(value: &ScalarValue) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    match value.try_as_str() {
        Some(Some(text)) => format!("'{}'", text.replace('\'', "\\'")),
        _ => match value.data_type() {
            arrow::datatypes::DataType::Date32 => format!("DATE '{value}'"),
            _ => value.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;
    use datafusion::logical_expr::{case, cast, col, lit, try_cast};

    use super::*;

    #[test]
    fn expressions_are_spelled_as_in_sql() {
        let spelling = Spelling::default();
        for (expr, expected) in [
            (cast(col("t.v"), DataType::Int32), "CAST(v AS INT)"),
            (try_cast(col("v"), DataType::Decimal128(5, 2)), "TRY_CAST(v AS DECIMAL(5,2))"),
            (col("a").eq(lit("it's")).and(col("b").not_eq(lit(1))), "(a = 'it\\'s') AND (b <> 1)"),
            (col("column2").is_null(), "col2 IS NULL"),
            (
                case(col("k")).when(lit(1), lit("x")).otherwise(lit("y")).unwrap(),
                "CASE k WHEN 1 THEN 'x' ELSE 'y' END",
            ),
            (col("a").in_list(vec![lit(1), lit(2)], true), "a NOT IN (1, 2)"),
        ] {
            assert_eq!(spelling.text(&expr), expected);
        }
    }

    #[test]
    fn columns_of_the_optimizer_are_what_they_stand_for() {
        let mut spelling = Spelling::default();
        spelling.learn(&[cast(col("v"), DataType::Int64).alias("__common_expr_1")]);
        let text = spelling.text(&(col("__common_expr_1") + lit(1)));
        assert_eq!(text, "CAST(v AS BIGINT) + 1");
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = Spelling::default().text(&lit("x".repeat(1_000)));
        assert_eq!(text.len(), LONGEST + 3);
    }
}
