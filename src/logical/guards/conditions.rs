//! The wrappings of what can fail, which the optimizer does not open.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::kernels::zip::zip;
use arrow::compute::prep_null_mask_filter;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

/// A condition of a filter that can fail. The arguments behind it are columns of its guards: the
/// optimizer can move it only to where they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Guarded {
    /// Its place among all of the plan: what lies nearer to the tables comes first.
    pub rank: usize,
    signature: Signature,
}

impl Guarded {
    /// Wraps a condition. One that is `fixed` is not moved below a join or into a table.
    pub fn wrap(condition: Expr, guards: Vec<Expr>, rank: usize, fixed: bool) -> Expr {
        let volatility = if fixed { Volatility::Volatile } else { Volatility::Immutable };
        let signature = Signature::variadic_any(volatility);
        let args = std::iter::once(condition).chain(guards).collect();
        ScalarUDF::from(Self { rank, signature }).call(args)
    }
}

impl ScalarUDFImpl for Guarded {
    fn name(&self) -> &'static str {
        "guarded"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    /// Nothing is computed ahead for several conditions: that would be for all rows.
    fn short_circuits(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(condition) => Ok(condition),
            None => internal_err!("a guarded condition without its condition"),
        }
    }
}

/// A CASE that the optimizer leaves alone: what is compared, if anything is, then conditions and
/// values in turn, and the value for all other rows at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderedCase {
    /// Whether the first argument is compared with what stands in the place of conditions.
    pub compares: bool,
    signature: Signature,
}

impl OrderedCase {
    /// A CASE of these branches.
    pub fn of(branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
        Self::call(None, branches, otherwise)
    }

    /// A CASE that compares a value, which is computed once.
    pub fn over(value: Expr, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
        Self::call(Some(value), branches, otherwise)
    }

    fn call(value: Option<Expr>, branches: Vec<(Expr, Expr)>, otherwise: Expr) -> Expr {
        let signature = Signature::variadic_any(Volatility::Immutable);
        let compares = value.is_some();
        let branches = branches.into_iter().flat_map(|(when, then)| [when, then]);
        let args = value.into_iter().chain(branches).chain([otherwise]).collect();
        ScalarUDF::from(Self { compares, signature }).call(args)
    }
}

impl ScalarUDFImpl for OrderedCase {
    fn name(&self) -> &'static str {
        "ordered_case"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let first = usize::from(self.compares) + 1;
        let values = types.iter().skip(first).step_by(2).chain(types.last());
        match values.into_iter().find(|value| **value != DataType::Null) {
            Some(value) => Ok(value.clone()),
            None if types.is_empty() => plan_err!("a CASE needs a branch"),
            None => Ok(DataType::Null),
        }
    }

    fn short_circuits(&self) -> bool {
        true
    }

    /// Constants are folded by this; a query runs the CASE that `in_order` makes of it.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let gives = args.return_field.data_type().clone();
        let rows = args.number_rows;
        let mut args = args.args.into_iter();
        let value = if self.compares { args.next() } else { None };
        let value = value.map(|value| value.into_array(rows)).transpose()?;
        let mut values = args.rev();
        let mut result = match values.next() {
            Some(otherwise) => otherwise.into_array(rows)?,
            None => new_null_array(&gives, rows),
        };
        while let (Some(then), Some(when)) = (values.next(), values.next()) {
            let when = when.into_array(rows)?;
            let when = match &value {
                Some(value) => Arc::new(eq(value, &when)?) as ArrayRef,
                None => when,
            };
            let when = as_boolean_array(&when)?;
            let when: BooleanArray =
                if when.null_count() > 0 { prep_null_mask_filter(when) } else { when.clone() };
            result = zip(&when, &then.into_array(rows)?, &result)?;
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// A cast that can fail. The optimizer would compute a cast of a constant at once and give up where
/// it fails, though it may stand in a branch that no row reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LateCast {
    to: FieldRef,
    signature: Signature,
}

impl LateCast {
    /// Wraps a cast.
    pub fn wrap(cast: Cast) -> Expr {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::from(Self { to: cast.field, signature }).call(vec![*cast.expr])
    }

    /// The cast of this value.
    pub fn open(&self, value: Expr) -> Expr {
        Expr::Cast(Cast { expr: Box::new(value), field: Arc::clone(&self.to) })
    }
}

impl ScalarUDFImpl for LateCast {
    fn name(&self) -> &'static str {
        "late_cast"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.to.data_type().clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.to.data_type().clone(), is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [value] => value.cast_to(self.to.data_type(), None),
            _ => internal_err!("a cast takes one value"),
        }
    }
}
