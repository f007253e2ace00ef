//! A call or a cast whose errors say which expression it is.

use std::hash::Hash;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::internal_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use crate::error::{Error, ErrorKind};
use crate::formats::type_name::sql_type_name;

/// A call or a cast, and its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Told {
    what: What,
    text: String,
    /// Whether it is a key of a join, which is told from the column in it by its name.
    is_key: bool,
    signature: Signature,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum What {
    Call(Arc<ScalarUDF>),
    Cast(DataType),
}

impl Told {
    /// The expression with its text; what is neither a call nor a cast comes back as it was.
    pub(super) fn of(expr: Expr, text: String, is_key: bool) -> Transformed<Expr> {
        let (what, args) = match expr {
            Expr::ScalarFunction(ScalarFunction { func, args }) if !func.inner().is::<Self>() => {
                (What::Call(func), args)
            }
            Expr::Cast(Cast { expr, field }) if is_type_only(&field) => {
                (What::Cast(field.data_type().clone()), vec![*expr])
            }
            other => return Transformed::no(other),
        };
        let signature = match &what {
            What::Call(function) => function.signature().clone(),
            What::Cast(_) => Signature::any(1, Volatility::Immutable),
        };
        Transformed::yes(ScalarUDF::from(Self { what, text, is_key, signature }).call(args))
    }

    fn failed(&self, error: DataFusionError) -> DataFusionError {
        let inner = Error::from(error);
        let (reason, kind) = (inner.to_string(), inner.kind());
        if !matches!(kind, ErrorKind::Data | ErrorKind::Invalid) {
            return inner.into();
        }
        let own = format!("`{}`: ", self.name());
        let reason = reason.strip_prefix(&own).unwrap_or(&reason).to_owned();
        Error::Evaluation { expression: self.text.clone(), place: None, reason, kind }.into()
    }
}

/// Whether a cast names a type and no more.
fn is_type_only(field: &Field) -> bool {
    field.name().is_empty() && field.is_nullable() && field.metadata().is_empty()
}

impl ScalarUDFImpl for Told {
    fn name(&self) -> &str {
        match &self.what {
            What::Call(function) => function.name(),
            What::Cast(_) => "cast",
        }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match (&self.what, args) {
            (What::Call(function), _) => function.schema_name(args),
            (What::Cast(to), [arg]) if self.is_key => Ok(format!("CAST({arg} AS {to})")),
            // The name of a cast is that of what is cast.
            (What::Cast(_), [arg]) => Ok(arg.schema_name().to_string()),
            (What::Cast(_), _) => internal_err!("a cast takes one value"),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match &self.what {
            What::Call(function) => function.return_type(types),
            What::Cast(to) => Ok(to.clone()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match (&self.what, args.arg_fields) {
            (What::Call(function), _) => function.return_field_from_args(args),
            (What::Cast(to), [field]) => {
                Ok(Arc::new(field.as_ref().clone().with_data_type(to.clone())))
            }
            (What::Cast(_), _) => internal_err!("a cast takes one value"),
        }
    }

    fn is_strict(&self) -> bool {
        match &self.what {
            What::Call(function) => function.is_strict(),
            What::Cast(_) => true,
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match &self.what {
            What::Call(function) => function.coerce_types(types),
            What::Cast(_) => Ok(types.to_vec()),
        }
    }

    fn short_circuits(&self) -> bool {
        match &self.what {
            What::Call(function) => function.short_circuits(),
            What::Cast(_) => false,
        }
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        match &self.what {
            What::Call(function) => function.evaluate_bounds(input),
            What::Cast(to) => Interval::make_unbounded(to),
        }
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        match &self.what {
            What::Call(function) => function.propagate_constraints(interval, inputs),
            What::Cast(_) => Ok(Some(vec![])),
        }
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        match &self.what {
            What::Call(function) => function.output_ordering(inputs),
            What::Cast(_) => Ok(SortProperties::Unordered),
        }
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        match &self.what {
            What::Call(function) => function.preserves_lex_ordering(inputs),
            What::Cast(_) => Ok(false),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &self.what {
            What::Call(function) => function.invoke_with_args(args).map_err(|e| self.failed(e)),
            What::Cast(to) => match args.args.as_slice() {
                [value] => value.cast_to(to, None).map_err(|error| {
                    let inner = Error::from(error);
                    self.failed(match misfit(&inner.to_string(), to) {
                        Some(misfit) => misfit,
                        None => inner.into(),
                    })
                }),
                _ => internal_err!("a cast takes one value"),
            },
        }
    }
}

/// What Arrow says of a value that a type cannot hold, in words of SQL.
fn misfit(message: &str, to: &DataType) -> Option<DataFusionError> {
    const BEFORE_AND_BEHIND: [(&str, &str); 3] = [
        ("Cannot cast value '", "' to value of "),
        ("Can't cast value ", " to type "),
        ("Invalid argument error: ", " is too large to store in "),
    ];
    if to.is_nested() {
        return None;
    }
    let found = BEFORE_AND_BEHIND.iter().find_map(|(before, behind)| {
        message.split_once(before)?.1.rsplit_once(behind).map(|(value, _)| value)
    });
    let value = match found {
        Some("") => "''".to_owned(),
        Some(value) => format!("`{value}`"),
        // Told already, but of decimals as of the widest of them.
        None => message.split_once(" cannot be cast to ")?.0.to_owned(),
    };
    let to = sql_type_name(to);
    Some(DataFusionError::Execution(format!(
        "{value} cannot be cast to {to}; use try_cast to get NULL instead, or set spark.sql.ansi.enabled to false"
    )))
}
