//! The operators as functions, and the planner that puts them in the place of `+ - * / DIV %`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Cast, Expr, ExprSchemable, ScalarUDF, lit};
use sqlparser::ast::BinaryOperator;

use crate::sql::functions::arithmetic::{kernels, types};
use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Div,
    Mod,
    Pmod,
}

impl Op {
    /// What its functions are called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::Div => "div",
            Self::Mod => "mod",
            Self::Pmod => "pmod",
        }
    }
}

macro_rules! pair {
    ($name:literal, $try_name:literal, $op:expr) => {
        [
            Function::new(
                $name,
                |given| types::binary(given, $op),
                |args| kernels::binary(args, $op, false),
            ),
            Function::new(
                $try_name,
                |given| types::binary(given, $op),
                |args| kernels::binary(args, $op, true),
            ),
        ]
    };
}

/// All functions of arithmetic.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    let pairs = [
        pair!("add", "try_add", Op::Add),
        pair!("subtract", "try_subtract", Op::Subtract),
        pair!("multiply", "try_multiply", Op::Multiply),
        pair!("divide", "try_divide", Op::Divide),
        pair!("div", "try_div", Op::Div),
        pair!("mod", "try_mod", Op::Mod),
        pair!("pmod", "try_pmod", Op::Pmod),
    ];
    let signs: [Function; 3] = [
        Function::new("negative", sign_types, |args| kernels::unary(args, false)),
        Function::new("abs", sign_types, |args| kernels::unary(args, true)),
        Function::new("positive", sign_types, same),
    ];
    pairs.into_iter().flatten().chain(signs).map(Function::udf).collect()
}

fn sign_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let number = match &given.types[0] {
        DataType::Utf8 | DataType::Null => DataType::Float64,
        DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        known
            if known.is_numeric()
                || matches!(known, DataType::Interval(_) | DataType::Duration(_)) =>
        {
            known.clone()
        }
        _ => return Err(given.refuse("a number or an interval")),
    };
    Ok(Call { takes: vec![number.clone()], gives: number })
}

fn same(args: &Arguments) -> Result<ArrayRef> {
    Ok(Arc::clone(args.array(0)?))
}

/// Plans operators over numbers and text as the functions here; all others are left to the
/// planners after it.
#[derive(Debug)]
pub(in crate::sql) struct NumberOperators {
    functions: Vec<Arc<ScalarUDF>>,
}

impl Default for NumberOperators {
    fn default() -> Self {
        Self { functions: functions() }
    }
}

impl NumberOperators {
    fn function(&self, op: Op) -> Option<&Arc<ScalarUDF>> {
        self.functions.iter().find(|function| function.name() == op.name())
    }
}

impl ExprPlanner for NumberOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match expr.op {
            BinaryOperator::Plus => Op::Add,
            BinaryOperator::Minus => Op::Subtract,
            BinaryOperator::Multiply => Op::Multiply,
            BinaryOperator::Divide => Op::Divide,
            BinaryOperator::Modulo => Op::Mod,
            BinaryOperator::MyIntegerDivide => Op::Div,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema))
        else {
            return Ok(PlannerResult::Original(expr));
        };
        let is_number = |side: &DataType| side.is_numeric() || *side == DataType::Null;
        let is_text = |side: &DataType| {
            matches!(side, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
        };
        let are_numbers = (is_number(&left) || is_text(&left))
            && (is_number(&right) || is_text(&right))
            && (is_number(&left) || is_number(&right));
        let Some(function) = self.function(op).filter(|_| are_numbers) else {
            return Ok(PlannerResult::Original(expr));
        };
        let args = vec![exact(expr.left, &right), exact(expr.right, &left)];
        let call = ScalarFunction::new_udf(Arc::clone(function), args);
        Ok(PlannerResult::Planned(Expr::ScalarFunction(call)))
    }
}

/// A whole number written beside a decimal is a decimal of just its digits.
fn exact(expr: Expr, beside: &DataType) -> Expr {
    if !matches!(beside, DataType::Decimal128(_, _)) {
        return expr;
    }
    let number = match &expr {
        Expr::Cast(Cast { expr, .. }) => literal(expr),
        other => literal(other),
    };
    let is_int = |field: &DataType| *field == DataType::Int32;
    let number = match &expr {
        // A number with a suffix is a cast of its text.
        Expr::Cast(cast) if cast.field.data_type().is_integer() => match &*cast.expr {
            Expr::Literal(ScalarValue::Utf8(Some(digits)), _) => digits.parse().ok(),
            _ => number.filter(|_| is_int(cast.field.data_type())),
        },
        Expr::Cast(_) => None,
        _ => number,
    };
    match number {
        Some(value) => {
            let digits = value.unsigned_abs().checked_ilog10().map_or(1, |log| log as u8 + 1);
            lit(ScalarValue::Decimal128(Some(i128::from(value)), digits, 0))
        }
        None => expr,
    }
}

fn literal(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => Some(*value),
        Expr::Literal(ScalarValue::Int32(Some(value)), _) => Some(i64::from(*value)),
        _ => None,
    }
}
