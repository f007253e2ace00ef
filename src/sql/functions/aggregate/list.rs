//! What is taken from others: lists and sets of values, and how many distinct ones there are about.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature};
use datafusion_spark::function::aggregate::{collect_list, collect_set};

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let collect_list = collect_list();
    let array_agg = collect_list.as_ref().clone().with_aliases(["array_agg"]);
    let count = ApproxCountDistinct { inner: approx_distinct_udaf() };
    vec![Arc::new(array_agg), collect_set(), Arc::new(AggregateUDF::from(count))]
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
        self.inner.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(AsLong(self.inner.accumulator(args)?)))
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }
}

/// An accumulator whose result is cast to BIGINT.
#[derive(Debug)]
struct AsLong(Box<dyn Accumulator>);

impl Accumulator for AsLong {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values)
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
