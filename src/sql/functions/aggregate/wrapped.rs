//! Aggregates of DataFusion that have Spark's values, with what they lack: DISTINCT, and frames
//! that slide without losing digits.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions_aggregate::bit_and_or_xor::{bit_and_udaf, bit_or_udaf, bit_xor_udaf};
use datafusion::functions_aggregate::bool_and_or::{bool_and_udaf, bool_or_udaf};
use datafusion::functions_aggregate::covariance::{covar_pop_udaf, covar_samp_udaf};
use datafusion::functions_aggregate::regr;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature,
};

use crate::sql::functions::aggregate::define::{Distinct, distinct_state};
use crate::sql::functions::aggregate::frame::{Frame, Recipe};

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    [
        bit_and_udaf(),
        bit_or_udaf(),
        bit_xor_udaf(),
        bool_and_udaf(),
        bool_or_udaf(),
        covar_pop_udaf(),
        covar_samp_udaf(),
        regr::regr_avgx_udaf(),
        regr::regr_avgy_udaf(),
        regr::regr_count_udaf(),
        regr::regr_intercept_udaf(),
        regr::regr_slope_udaf(),
        regr::regr_sxx_udaf(),
        regr::regr_sxy_udaf(),
        regr::regr_syy_udaf(),
    ]
    .map(wrapped)
    .to_vec()
}

/// The same aggregate with DISTINCT and frames.
pub(super) fn wrapped(inner: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(Wrapped { name: inner.name().to_owned(), inner }))
}

struct Wrapped {
    name: String,
    inner: Arc<AggregateUDF>,
}

impl Debug for Wrapped {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Wrapped").field(&self.name).finish()
    }
}

same_by_name!(Wrapped);

impl AggregateUDFImpl for Wrapped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field(&self, fields: &[FieldRef]) -> Result<FieldRef> {
        self.inner.return_field(fields)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if args.is_distinct { Ok(distinct_state(&args)) } else { self.inner.state_fields(args) }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if !args.is_distinct {
            return self.inner.accumulator(args);
        }
        let inner = Arc::clone(&self.inner);
        let recipe = Recipe::new(&args, move |args| inner.accumulator(args));
        Ok(Box::new(Distinct::new(&args, recipe)?))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let inner = Arc::clone(&self.inner);
        Ok(Box::new(Frame::new(&args, move |args| inner.accumulator(args))))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct && self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }
}
