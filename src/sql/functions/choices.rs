//! `coalesce` and `if`, which choose between values of different types.
//!
//! DataFusion knows no type for a text beside a date or a truth value, and refuses it before a rule
//! can cast one of them.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::error::Result;
use datafusion::functions::core::coalesce;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion_spark::function::conditional::r#if;

use crate::sql::functions::common_type::type_of_choice;

/// All functions here.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let choice = |inner: Arc<ScalarUDF>, before| {
        let name = inner.name().to_owned();
        Arc::new(ScalarUDF::from(Choice { name, inner, before }))
    };
    vec![choice(coalesce(), 0), choice(r#if(), 1)]
}

/// A function that chooses, which takes what Spark takes.
struct Choice {
    name: String,
    inner: Arc<ScalarUDF>,
    /// How many arguments come before those that are chosen from.
    before: usize,
}

impl Debug for Choice {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Choice").field(&self.name).finish()
    }
}

same_by_name!(Choice);

impl ScalarUDFImpl for Choice {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types).or_else(|error| {
            let (before, choices) = types.split_at(self.before.min(types.len()));
            let common = type_of_choice(choices).ok_or(error)?;
            let choices = choices.iter().map(|_| common.clone());
            Ok(before.iter().cloned().chain(choices).collect())
        })
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(args, context)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.inner.invoke_with_args(args)
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }
}
