//! Functions that choose between values, as the CASE that they are: `nullif` and `decode`.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{BinaryOperator, CaseWhen, Expr, FunctionArg, FunctionArgExpr, Value};

/// The CASE of a call; `None` for what is none.
pub(super) fn respelled(name: &str, arguments: &[FunctionArg]) -> Option<Expr> {
    let values: Vec<&Expr> = arguments
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect::<Option<_>>()?;
    match (name, values.as_slice()) {
        ("nullif", [value, other]) => {
            let condition = Expr::BinaryOp {
                left: nested(value),
                op: BinaryOperator::Eq,
                right: nested(other),
            };
            Some(case(vec![(condition, Expr::value(Value::Null))], Some((*value).clone())))
        }
        ("decode", [value, pairs @ ..]) if pairs.len() > 1 => {
            let (pairs, rest) = pairs.as_chunks::<2>();
            let whens = pairs.iter().map(|[search, result]| {
                let condition = Expr::IsNotDistinctFrom(nested(value), nested(search));
                (condition, (*result).clone())
            });
            Some(case(whens.collect(), rest.first().map(|rest| (*rest).clone())))
        }
        _ => None,
    }
}

fn nested(expr: &Expr) -> Box<Expr> {
    Box::new(Expr::Nested(Box::new(expr.clone())))
}

/// `CASE WHEN condition THEN value .. ELSE value END`
pub(super) fn case(whens: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let conditions =
        whens.into_iter().map(|(condition, result)| CaseWhen { condition, result }).collect();
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions,
        else_result: otherwise.map(Box::new),
    }
}
