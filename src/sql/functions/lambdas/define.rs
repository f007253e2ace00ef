//! A function with lambdas as data: what it takes and gives, and a kernel that runs its lambdas.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{take, take_arrays};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{exec_err, plan_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, HigherOrderFunctionArgs, HigherOrderReturnFieldArgs, HigherOrderSignature,
    HigherOrderUDFImpl, LambdaArgument, LambdaParametersProgress, ValueOrLambda, Volatility,
};

use crate::sql::functions::define::{Arguments, Given};
use crate::sql::types::spark_type_name;

/// A function that takes values first and then lambdas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) aliases: fn() -> &'static [String],
    /// What the values are cast to.
    pub(super) takes: fn(&Given<'_>) -> Result<Vec<DataType>>,
    /// The types of the parameters of each lambda there may be, given the types of the values.
    pub(super) parameters: fn(&[DataType]) -> Vec<Vec<DataType>>,
    /// The type of the result, given what the values are and what the lambdas give.
    pub(super) gives: fn(&Typed<'_>) -> Result<DataType>,
    pub(super) kernel: fn(&Lambdas) -> Result<ArrayRef>,
}

/// No other names.
pub(super) fn no_aliases() -> &'static [String] {
    &[]
}

/// The types of a call when all of them are known.
#[derive(Debug)]
pub(super) struct Typed<'a> {
    pub(super) function: &'static str,
    pub(super) values: &'a [DataType],
    pub(super) lambdas: &'a [DataType],
}

impl Typed<'_> {
    /// The type of the value at `index`.
    pub(super) fn value(&self, index: usize) -> Result<&DataType> {
        self.values.get(index).ok_or_else(|| {
            plan_datafusion_err!("`{}` needs {} values and a lambda", self.function, index + 1)
        })
    }

    /// What the lambda at `index` gives.
    pub(super) fn lambda(&self, index: usize) -> Result<&DataType> {
        self.lambdas.get(index).ok_or_else(|| {
            plan_datafusion_err!("`{}` needs a lambda, such as x -> x + 1", self.function)
        })
    }

    /// Refuses a lambda at `index` that does not give `wanted`; NULL is a BOOLEAN too.
    pub(super) fn expect(&self, index: usize, wanted: &DataType) -> Result<()> {
        let found = self.lambda(index)?;
        if found.equals_datatype(wanted) || (found, wanted) == (&DataType::Null, &DataType::Boolean)
        {
            return Ok(());
        }
        let (found, wanted) = (spark_type_name(found), spark_type_name(wanted));
        Err(plan_datafusion_err!(
            "`{}`: the lambda gives {found} where {wanted} is wanted; cast what it gives",
            self.function
        ))
    }
}

/// A call while it runs.
#[derive(Debug)]
pub(super) struct Lambdas {
    /// The values.
    pub(super) values: Arguments,
    pub(super) lambdas: Vec<LambdaArgument>,
}

impl Lambdas {
    /// Runs a lambda over columns of parameters. Each of their rows belongs to the row of the call
    /// that `rows` names, from where it takes what it captures.
    pub(super) fn run(
        &self,
        lambda: usize,
        parameters: &[ArrayRef],
        rows: &UInt32Array,
    ) -> Result<ArrayRef> {
        let Some(lambda) = self.lambdas.get(lambda) else {
            return exec_err!("`{}` has no lambda {}", self.values.function, lambda + 1);
        };
        let given: Vec<_> =
            parameters.iter().map(|column| move || Ok(Arc::clone(column))).collect();
        let given: Vec<&dyn Fn() -> Result<ArrayRef>> =
            given.iter().map(|column| column as &dyn Fn() -> Result<ArrayRef>).collect();
        lambda
            .evaluate(&given, |captured| Ok(take_arrays(captured, rows, None)?))?
            .into_array(rows.len())
    }
}

/// The elements of all rows in one column, without those that stand below a null row.
#[derive(Debug)]
pub(super) struct Elements {
    /// Where the elements of each row are.
    pub(super) offsets: OffsetBuffer<i32>,
    /// The row of each element.
    pub(super) rows: UInt32Array,
    /// Which of the elements there were before are left.
    kept: UInt32Array,
}

impl Elements {
    /// Looks at lists, or maps, with these offsets.
    pub(super) fn new(offsets: &OffsetBuffer<i32>, nulls: Option<&NullBuffer>) -> Self {
        let mut rows = Vec::new();
        let mut kept = Vec::new();
        let mut lengths = Vec::with_capacity(offsets.len());
        for (row, ends) in offsets.windows(2).enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                lengths.push(0);
                continue;
            }
            // The offsets of an array are never negative, and a batch has no more than 2^31 rows.
            lengths.push((ends[1] - ends[0]) as usize);
            rows.extend((ends[0]..ends[1]).map(|_at| row as u32));
            kept.extend((ends[0]..ends[1]).map(|at| at as u32));
        }
        Self {
            offsets: OffsetBuffer::from_lengths(lengths),
            rows: UInt32Array::from(rows),
            kept: UInt32Array::from(kept),
        }
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// These elements of a column that all belong to.
    pub(super) fn of(&self, values: &ArrayRef) -> Result<ArrayRef> {
        if self.kept.len() == values.len() {
            return Ok(Arc::clone(values));
        }
        Ok(take(values.as_ref(), &self.kept, None)?)
    }

    /// The place of each element in its row, from 0.
    pub(super) fn indices(&self) -> arrow::array::Int32Array {
        self.offsets.windows(2).flat_map(|ends| 0..ends[1] - ends[0]).collect()
    }
}

same_by_name!(Definition);

/// The signature that all functions here have: the types are settled by the function itself.
static SIGNATURE: std::sync::LazyLock<HigherOrderSignature> =
    std::sync::LazyLock::new(|| HigherOrderSignature::user_defined(Volatility::Immutable));

fn parameter(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("", data_type, true))
}

impl HigherOrderUDFImpl for Definition {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        (self.aliases)()
    }

    fn signature(&self) -> &HigherOrderSignature {
        &SIGNATURE
    }

    fn coerce_value_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        (self.takes)(&Given { function: self.name, types, constants: None })
    }

    fn lambda_parameters(
        &self,
        _step: usize,
        fields: &[ValueOrLambda<FieldRef, Option<FieldRef>>],
    ) -> Result<LambdaParametersProgress> {
        let mut values = Vec::with_capacity(fields.len());
        let mut count = 0;
        for field in fields {
            match field {
                ValueOrLambda::Value(field) => values.push(field.data_type().clone()),
                ValueOrLambda::Lambda(_) => count += 1,
            }
        }
        let parameters = (self.parameters)(&values).into_iter().take(count);
        let fields = parameters.map(|types| types.into_iter().map(parameter).collect());
        Ok(LambdaParametersProgress::Complete(fields.collect()))
    }

    fn return_field_from_args(&self, args: HigherOrderReturnFieldArgs<'_>) -> Result<FieldRef> {
        let (mut values, mut lambdas) = (vec![], vec![]);
        for field in args.arg_fields {
            match field {
                ValueOrLambda::Value(field) => values.push(field.data_type().clone()),
                ValueOrLambda::Lambda(field) => lambdas.push(field.data_type().clone()),
            }
        }
        let types = Typed { function: self.name, values: &values, lambdas: &lambdas };
        Ok(Arc::new(Field::new(self.name, (self.gives)(&types)?, true)))
    }

    /// Null rows are left out by [`Elements`].
    fn clear_null_values(&self) -> bool {
        false
    }

    fn invoke_with_args(&self, args: HigherOrderFunctionArgs) -> Result<ColumnarValue> {
        let (mut arrays, mut lambdas) = (vec![], vec![]);
        for arg in args.args {
            match arg {
                ValueOrLambda::Value(value) => arrays.push(value.into_array(args.number_rows)?),
                ValueOrLambda::Lambda(lambda) => lambdas.push(lambda),
            }
        }
        let values = Arguments {
            function: self.name,
            arrays,
            rows: args.number_rows,
            gives: args.return_field.data_type().clone(),
            config: args.config_options,
        };
        (self.kernel)(&Lambdas { values, lambdas }).map(ColumnarValue::Array)
    }
}
