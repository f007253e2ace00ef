//! Evaluates the arguments that settle the type of a call, such as the schema of `from_json`.
//!
//! DataFusion asks for the type of a call before it folds constants, and shows literals only. So
//! `from_json(text, schema_of_json('{"a": 1}'), map('mode', 'FAILFAST'))` gets them here.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr as LogicalExpr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use sqlparser::ast::{
    Expr, ExprWithAlias, FunctionArg, FunctionArgExpr, FunctionArguments, Query, Value, VisitMut,
    VisitorMut,
};

use crate::sql::functions::record_options::{as_text, options_of};

/// The functions, each with the first of its arguments that has to be a constant.
const FUNCTIONS: &[(&str, usize)] = &[
    ("from_csv", 1),
    ("from_json", 1),
    ("schema_of_csv", 0),
    ("schema_of_json", 0),
    ("to_csv", 1),
    ("to_json", 1),
];

/// Evaluates the arguments in `query` that have to be constants; leaves those that are none.
pub(super) fn evaluate(query: &mut Query, state: &SessionState) {
    let _ = query.visit(&mut Evaluator { state });
}

struct Evaluator<'a> {
    state: &'a SessionState,
}

impl VisitorMut for Evaluator<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let name = function.name.to_string();
        let Some((_, first)) = FUNCTIONS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known))
        else {
            return ControlFlow::Continue(());
        };
        if let FunctionArguments::List(list) = &mut function.args {
            for argument in list.args.iter_mut().skip(*first) {
                if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument
                    && !matches!(expr, Expr::Value(_))
                    && let Some(text) = self.text(expr)
                {
                    *expr = Expr::value(Value::SingleQuotedString(text));
                }
            }
        }
        ControlFlow::Continue(())
    }
}

impl Evaluator<'_> {
    /// The value of a constant text, or of a constant map as the text of its options.
    fn text(&self, expr: &Expr) -> Option<String> {
        let expr = ExprWithAlias { expr: expr.clone(), alias: None };
        let planned = self.state.create_logical_expr_from_sql_expr(expr, &DFSchema::empty());
        let options = Arc::clone(self.state.config_options());
        let context = SimplifyContext::builder().with_config_options(options);
        match ExprSimplifier::new(context.build()).simplify(planned.ok()?).ok()? {
            LogicalExpr::Literal(ScalarValue::Utf8(text), _) => text,
            LogicalExpr::Literal(map, _) => options_of(&map).map(|options| as_text(&options)),
            _ => None,
        }
    }
}
