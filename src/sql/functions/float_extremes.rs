//! `max` and `min` of floating-point numbers in Spark's order, in which NaN is greater than every
//! number. DataFusion's own pass NaN over.
//!
//! The rule that puts them in their place does the same for structs and arrays
//! (`nested_extremes.rs`).

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNumericType, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{format_state_name, merge_schema};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, ExprSchemable, GroupsAccumulator,
    LogicalPlan, Signature, Volatility, WindowFunctionDefinition,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

use crate::error::Error;
use crate::sql::functions::aggregate::frame::Frame;
use crate::sql::functions::equal_floats::has_map;
use crate::sql::functions::nested_extremes::NestedExtreme;
use crate::sql::types::spark_type_name;

/// Puts [`FloatExtreme`] and [`NestedExtreme`] in the place of DataFusion's `max` and `min` where
/// they are taken of floating-point numbers, structs or arrays, however the plan was made.
#[derive(Debug)]
pub(in crate::sql) struct UseExtremes;

impl AnalyzerRule for UseExtremes {
    fn name(&self) -> &'static str {
        "use_extremes"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> DfResult<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(|node| {
            let schema = merge_schema(&node.inputs());
            node.map_expressions(|expr| expr.transform_up(|expr| replace(expr, &schema)))
        })?;
        Ok(plan.data)
    }
}

fn replace(expr: Expr, schema: &DFSchema) -> DfResult<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(mut call) => {
            let Some(extreme) = instead(&call.func, &call.params.args, schema)? else {
                return Ok(Transformed::no(Expr::AggregateFunction(call)));
            };
            call.func = extreme;
            Ok(Transformed::yes(Expr::AggregateFunction(call)))
        }
        Expr::WindowFunction(mut call) => {
            let extreme = match &call.fun {
                WindowFunctionDefinition::AggregateUDF(function) => {
                    instead(function, &call.params.args, schema)?
                }
                WindowFunctionDefinition::WindowUDF(_) => None,
            };
            let Some(extreme) = extreme else {
                return Ok(Transformed::no(Expr::WindowFunction(call)));
            };
            call.fun = WindowFunctionDefinition::AggregateUDF(extreme);
            Ok(Transformed::yes(Expr::WindowFunction(call)))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// What takes the place of an aggregate, if it is an extreme of what DataFusion orders otherwise.
fn instead(
    function: &AggregateUDF,
    args: &[Expr],
    schema: &DFSchema,
) -> DfResult<Option<Arc<AggregateUDF>>> {
    let ours = function.inner();
    let (greatest, of) = match (function.name(), args) {
        _ if ours.is::<FloatExtreme>() || ours.is::<NestedExtreme>() => return Ok(None),
        ("max", [of]) => (true, of.get_type(schema)?),
        ("min", [of]) => (false, of.get_type(schema)?),
        _ => return Ok(None),
    };
    if has_map(&of) {
        let (name, of) = (function.name(), spark_type_name(&of));
        return Err(Error::invalid(format!(
            "`{name}` cannot order values of the type {of}; take it of map_keys or map_values"
        ))
        .into());
    }
    Ok(if of.is_floating() {
        Some(Arc::new(AggregateUDF::from(FloatExtreme::new(greatest))))
    } else if of.is_nested() {
        Some(Arc::new(AggregateUDF::from(NestedExtreme::new(greatest))))
    } else {
        None
    })
}

/// The greatest or the least of floating-point numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct FloatExtreme {
    greatest: bool,
    signature: Signature,
}

impl FloatExtreme {
    fn new(greatest: bool) -> Self {
        let types = vec![DataType::Float64, DataType::Float32];
        Self { greatest, signature: Signature::uniform(1, types, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for FloatExtreme {
    fn name(&self) -> &'static str {
        if self.greatest { "max" } else { "min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> DfResult<DataType> {
        let number = args.first().cloned();
        number.ok_or_else(|| Error::internal("an extreme of nothing").into())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<arrow::datatypes::FieldRef>> {
        let name = format_state_name(args.name, "value");
        let number = args.return_field.data_type().clone();
        Ok(vec![Arc::new(arrow::datatypes::Field::new(name, number, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let none = ScalarValue::try_new_null(args.return_field.data_type())?;
        Ok(Box::new(ExtremeAccumulator { greatest: self.greatest, value: none }))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn Accumulator>> {
        let none = ScalarValue::try_new_null(args.return_field.data_type())?;
        let greatest = self.greatest;
        Ok(Box::new(Frame::new(&args, move |_args| {
            Ok(Box::new(ExtremeAccumulator { greatest, value: none.clone() }))
        })))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        let number = args.return_field.data_type();
        let greatest = self.greatest;
        Ok(match number {
            DataType::Float32 => Box::new(
                PrimitiveGroupsAccumulator::<Float32Type, _>::new(number, move |held, new| {
                    if replaces(compare(new, *held), greatest) {
                        *held = new;
                    }
                })
                .with_starting_value(if greatest {
                    f32::NEG_INFINITY
                } else {
                    f32::NAN
                }),
            ),
            _ => Box::new(
                PrimitiveGroupsAccumulator::<Float64Type, _>::new(number, move |held, new| {
                    if replaces(compare(new, *held), greatest) {
                        *held = new;
                    }
                })
                .with_starting_value(if greatest {
                    f64::NEG_INFINITY
                } else {
                    f64::NAN
                }),
            ),
        })
    }
}

/// Spark's order: NaN is greater than every number and equal to itself, zeros are equal.
fn compare<N: PartialOrd + Copy>(a: N, b: N) -> Ordering {
    let is_nan = |n: &N| n.partial_cmp(n).is_none();
    a.partial_cmp(&b).unwrap_or_else(|| is_nan(&a).cmp(&is_nan(&b)))
}

const fn replaces(order: Ordering, greatest: bool) -> bool {
    matches!((order, greatest), (Ordering::Greater, true) | (Ordering::Less, false))
}

/// The extreme of one group.
#[derive(Debug)]
struct ExtremeAccumulator {
    greatest: bool,
    value: ScalarValue,
}

impl ExtremeAccumulator {
    fn take<T>(
        &mut self,
        values: &ArrayRef,
        wrap: fn(Option<T::Native>) -> ScalarValue,
        held: Option<T::Native>,
    ) where
        T: ArrowNumericType,
        T::Native: PartialOrd,
    {
        let numbers = values.as_primitive::<T>().iter().flatten();
        let extreme = numbers.fold(held, |held, new| match held {
            Some(held) if !replaces(compare(new, held), self.greatest) => Some(held),
            _ => Some(new),
        });
        self.value = wrap(extreme);
    }
}

impl Accumulator for ExtremeAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let [values] = values else {
            return Err(Error::internal("an extreme is taken of one column").into());
        };
        match self.value {
            ScalarValue::Float32(held) => {
                self.take::<Float32Type>(values, ScalarValue::Float32, held);
            }
            ScalarValue::Float64(held) => {
                self.take::<Float64Type>(values, ScalarValue::Float64, held);
            }
            _ => return Err(Error::internal("an extreme of other than floats").into()),
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.value.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.update_batch(states)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    use crate::sql::planner::configure;

    async fn extremes(values: &str, grouping: &str) -> String {
        let builder = SessionStateBuilder::new().with_default_features();
        let context = SessionContext::new_with_state(configure(builder).build());
        let query = format!(
            "SELECT max(x) AS greatest, min(x) AS least FROM (VALUES {values}) AS t(x) {grouping}"
        );
        let rows = context.sql(&query).await.unwrap().collect().await.unwrap();
        arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string()
    }

    #[tokio::test]
    async fn nan_is_the_greatest_number() {
        let values = "(DOUBLE 'NaN'), (DOUBLE '1.5'), (NULL), (DOUBLE 'Infinity')";
        for grouping in ["", "GROUP BY x IS NULL AND x IS NOT NULL"] {
            let shown = extremes(values, grouping).await;
            assert!(shown.contains("| NaN      | 1.5   |"), "{shown}");
        }
    }

    #[tokio::test]
    async fn of_nan_alone_both_are_nan() {
        for grouping in ["", "GROUP BY x IS NULL"] {
            let shown = extremes("(DOUBLE 'NaN')", grouping).await;
            assert!(shown.contains("| NaN      | NaN   |"), "{shown}");
        }
    }
}
