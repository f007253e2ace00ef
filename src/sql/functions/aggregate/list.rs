//! What is taken from others: lists and sets of values, and how many distinct ones there are about.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, UInt64Array, new_empty_array};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature};
use datafusion_spark::function::aggregate::collect_list;

use crate::equality::normalized;
use crate::sql::functions::aggregate::define::{Aggregate, Seen, list_value, lists_of};
use crate::sql::functions::aggregate::frame::Frame;
use crate::sql::functions::aggregate::wrapped::wrapped;
use crate::sql::functions::collections::lists::list_of;
use crate::sql::functions::define::{Call, Given};
use crate::sql::functions::equal_floats::has_map;

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let array_agg = collect_list().as_ref().clone().with_aliases(["array_agg"]);
    let set = Aggregate::new("collect_set", set_types, set_state, |making| {
        Ok(Box::new(Set(Seen::new(&[making.argument(0)?.clone()])?)))
    });
    let count = ApproxCountDistinct { inner: approx_distinct_udaf() };
    vec![
        wrapped(Arc::new(array_agg)),
        set.or_for_no_rows(no_values).udaf(),
        Arc::new(AggregateUDF::from(count)),
    ]
}

fn set_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let value = &given.types[0];
    if has_map(value) {
        return Err(given.refuse("values without maps, which cannot be compared"));
    }
    Ok(Call { takes: vec![value.clone()], gives: list_of(value.clone()) })
}

fn set_state(types: &[DataType]) -> Vec<(&'static str, DataType)> {
    let value = types.first().cloned().unwrap_or(DataType::Null);
    vec![("collect_set", list_of(value))]
}

fn no_values(list: &DataType) -> Result<ScalarValue> {
    match list {
        DataType::List(field) => Ok(list_value(new_empty_array(field.data_type()))),
        other => internal_err!("a set is a list, not {other}"),
    }
}

/// The values that are not null, each once.
#[derive(Debug)]
struct Set(Seen);

impl Accumulator for Set {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("one column was expected") };
        let known = match values.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => filter(values, &nulls.into_inner().into())?,
            None => Arc::clone(values),
        };
        self.0.add(&[known])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.0.columns()?.pop() {
            Some(values) => Ok(list_value(values)),
            None => internal_err!("a set is in one column"),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values] = states else { return internal_err!("a stored set is in one column") };
        for values in lists_of(values)? {
            self.update_batch(&[values])?;
        }
        Ok(())
    }
}

/// DataFusion's estimate under Spark's name, as a BIGINT.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ApproxCountDistinct {
    inner: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for ApproxCountDistinct {
    fn name(&self) -> &'static str {
        "approx_count_distinct"
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let fields: Vec<FieldRef> = args.input_fields.iter().map(as_bits_field).collect();
        self.inner.state_fields(StateFieldsArgs { input_fields: &fields, ..args })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        about(&self.inner, args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let inner = Arc::clone(&self.inner);
        Ok(Box::new(Frame::new(&args, move |args| about(&inner, args))))
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }
}

fn about(inner: &AggregateUDF, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
    let fields: Vec<FieldRef> = args.expr_fields.iter().map(as_bits_field).collect();
    Ok(Box::new(AsLong(inner.accumulator(AccumulatorArgs { expr_fields: &fields, ..args })?)))
}

/// Floating-point numbers are counted by their bits.
fn as_bits_field(field: &FieldRef) -> FieldRef {
    let bits = match field.data_type() {
        DataType::Float64 => DataType::UInt64,
        DataType::Float32 => DataType::UInt32,
        _ => return Arc::clone(field),
    };
    Arc::new(Field::new(field.name(), bits, field.is_nullable()))
}

fn as_bits(values: &ArrayRef) -> Result<ArrayRef> {
    let values = normalized(values)?;
    Ok(match values.data_type() {
        DataType::Float64 => {
            let bits: UInt64Array = values.as_primitive::<Float64Type>().unary(f64::to_bits);
            Arc::new(bits)
        }
        DataType::Float32 => {
            let bits: UInt32Array = values.as_primitive::<Float32Type>().unary(f32::to_bits);
            Arc::new(bits)
        }
        _ => values,
    })
}

/// An accumulator whose result is cast to BIGINT.
#[derive(Debug)]
struct AsLong(Box<dyn Accumulator>);

impl Accumulator for AsLong {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values: Vec<ArrayRef> = values.iter().map(as_bits).collect::<Result<_>>()?;
        self.0.update_batch(&values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.evaluate()?.cast_to(&DataType::Int64)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }
}
