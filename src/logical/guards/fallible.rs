//! Which expressions can fail for some row.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ExprSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};

/// Whether the expression can fail for some value of its columns. What is not known is said to.
pub fn can_fail(expr: &Expr, schema: &dyn ExprSchema) -> bool {
    let mut fails = false;
    let walked = expr.apply(|part| -> Result<TreeNodeRecursion> {
        if !is_safe(part, schema) {
            fails = true;
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    fails || walked.is_err()
}

/// Whether a part does not fail by itself, whatever its operands do.
pub fn is_safe(expr: &Expr, schema: &dyn ExprSchema) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => is_safe_operator(binary.op),
        Expr::Cast(cast) => match (&*cast.expr, cast.expr.get_type(schema)) {
            (Expr::Literal(value, _), _) => value.cast_to(cast.field.data_type()).is_ok(),
            (_, Ok(from)) => is_safe_cast(&from, cast.field.data_type()),
            (_, Err(_)) => false,
        },
        Expr::ScalarFunction(call) => is_safe_call(call.func.name(), &call.args),
        // The escape of a pattern can be wrong only where the pattern is not written down.
        Expr::Like(like) | Expr::SimilarTo(like) => matches!(*like.pattern, Expr::Literal(..)),
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::ScalarVariable(..)
        | Expr::Literal(..)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::TryCast(_)
        | Expr::AggregateFunction(_)
        | Expr::WindowFunction(_)
        | Expr::InList(_)
        | Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::SetComparison(_)
        | Expr::ScalarSubquery(_)
        | Expr::Lambda(_)
        | Expr::LambdaVariable(_)
        | Expr::OuterReferenceColumn(..) => true,
        _ => false,
    }
}

const fn is_safe_operator(op: Operator) -> bool {
    use Operator::{
        And, Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq, Or, StringConcat,
    };
    matches!(
        op,
        Eq | NotEq
            | Lt
            | LtEq
            | Gt
            | GtEq
            | And
            | Or
            | IsDistinctFrom
            | IsNotDistinctFrom
            | StringConcat
    )
}

/// Whether a cast gives a value for every value.
pub fn is_safe_cast(from: &DataType, to: &DataType) -> bool {
    use DataType::{Decimal128, Float32, Float64, LargeUtf8, Null, Utf8, Utf8View};
    if from == to || *from == Null {
        return true;
    }
    match (from, to) {
        // Not all bytes are a text.
        (from, Utf8 | LargeUtf8 | Utf8View) => !from.is_binary(),
        (from, Float32 | Float64) => from.is_numeric(),
        (from, to) if from.is_signed_integer() && to.is_signed_integer() => {
            from.primitive_width() <= to.primitive_width()
        }
        (from, Decimal128(precision, scale)) if from.is_signed_integer() => {
            let digits = match from.primitive_width() {
                Some(1) => 3,
                Some(2) => 5,
                Some(4) => 10,
                _ => 19,
            };
            i16::from(*precision) - i16::from(*scale) >= digits
        }
        (Decimal128(p1, s1), Decimal128(p2, s2)) => {
            s1 <= s2 && i16::from(*p1) - i16::from(*s1) <= i16::from(*p2) - i16::from(*s2)
        }
        _ => false,
    }
}

fn is_safe_call(name: &str, args: &[Expr]) -> bool {
    if matches!(name, "mod" | "pmod") {
        return args.get(1).is_some_and(is_number_but_zero);
    }
    name.starts_with("try_") || SAFE.contains(&name)
}

fn is_number_but_zero(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => {
            value.data_type().is_numeric()
                && !value.is_null()
                && ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero != *value)
        }
        Expr::Cast(cast) => is_number_but_zero(&cast.expr),
        _ => false,
    }
}

/// Functions that give a value, or NULL, for all arguments of their types.
const SAFE: &[&str] = &[
    "array_contains",
    "ascii",
    "bit_length",
    "btrim",
    "cardinality",
    "cast_as",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "contains",
    "current_date",
    "day",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "endswith",
    "equal_null",
    "get_field",
    "get_json_object",
    "greatest",
    "guarded",
    "hash",
    "hour",
    "if",
    "ilike",
    "initcap",
    "instr",
    "isnan",
    "isnotnull",
    "isnull",
    "least",
    "left",
    "length",
    "levenshtein",
    "like",
    "locate",
    "lower",
    "ltrim",
    "md5",
    "minute",
    "month",
    "named_struct",
    "now",
    "nullif",
    "nvl",
    "nvl2",
    "octet_length",
    "ordered_case",
    "quarter",
    "replace",
    "reverse",
    "right",
    "rtrim",
    "second",
    "size",
    "squeeze_number",
    "startswith",
    "struct",
    "substr",
    "substring",
    "trim",
    "true_or_null",
    "typeof",
    "upper",
    "weekday",
    "weekofyear",
    "xxhash64",
    "year",
    "zeroifnull",
];

#[cfg(test)]
mod tests {
    use datafusion::common::DFSchema;
    use datafusion::logical_expr::{cast, col, lit, try_cast};

    use super::*;

    fn fails(expr: &Expr) -> bool {
        let field = |name, data_type| arrow::datatypes::Field::new(name, data_type, true);
        let fields = vec![field("i", DataType::Int32), field("s", DataType::Utf8)];
        let schema = DFSchema::from_unqualified_fields(fields.into(), Default::default()).unwrap();
        can_fail(expr, &schema)
    }

    #[test]
    fn comparisons_and_widening_cannot_fail_casts_of_text_and_arithmetic_can() {
        assert!(!fails(&col("i").gt(lit(1)).and(col("s").not_eq(lit("x")))));
        assert!(!fails(&cast(col("i"), DataType::Int64).gt(lit(1_i64))));
        assert!(!fails(&try_cast(col("s"), DataType::Int32).gt(lit(1))));
        assert!(fails(&cast(col("s"), DataType::Int32).gt(lit(1))));
        assert!(fails(&cast(col("i"), DataType::Int8).is_null()));
        assert!(fails(&(-col("i")).gt(lit(1))));
    }
}
