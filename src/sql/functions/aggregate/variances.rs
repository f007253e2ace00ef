//! `var_pop`, `var_samp`, `stddev_pop` and `stddev` in Spark's arithmetic.
//!
//! DataFusion measures each value from a mean that has been rounded, and so loses the digits of
//! large values that are close to each other. What is stored is the same as DataFusion's.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, UInt64Array};
use arrow::datatypes::{DataType, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::stddev::{stddev_pop_udaf, stddev_udaf};
use datafusion::functions_aggregate::variance::{var_pop_udaf, var_samp_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::sql::functions::aggregate::moments::number;
use crate::sql::functions::aggregate::wrapped::wrapped;
use crate::sql::functions::define::Given;

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let spread = |inner: Arc<AggregateUDF>, measure| {
        let name = inner.name().to_owned();
        let signature = Signature::user_defined(Volatility::Immutable);
        wrapped(Arc::new(AggregateUDF::from(Variance { name, inner, measure, signature })))
    };
    vec![
        spread(var_pop_udaf(), Measure { of_sample: false, is_root: false }),
        spread(var_samp_udaf(), Measure { of_sample: true, is_root: false }),
        spread(stddev_pop_udaf(), Measure { of_sample: false, is_root: true }),
        spread(stddev_udaf(), Measure { of_sample: true, is_root: true }),
    ]
}

/// What is told of values.
#[derive(Debug, Clone, Copy)]
struct Measure {
    /// Whether the values are a sample of more, or all there are.
    of_sample: bool,
    /// Whether it is the deviation, or its square.
    is_root: bool,
}

impl Measure {
    fn of(self, spread: Spread) -> Option<f64> {
        let Spread { count, m2, .. } = spread;
        let divisor = if self.of_sample { count.checked_sub(1)? } else { count };
        #[expect(clippy::cast_precision_loss, reason = "Spark counts in doubles")]
        let square = m2 / (divisor > 0).then_some(divisor as f64)?;
        Some(if self.is_root { square.sqrt() } else { square })
    }
}

/// The number of values, their mean, and the sum of the squares of their distances from it.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    count: u64,
    mean: f64,
    m2: f64,
}

#[expect(clippy::cast_precision_loss, reason = "Spark counts in doubles")]
impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        let step = delta / self.count as f64;
        self.mean += step;
        self.m2 += delta * (delta - step);
    }

    fn merge(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        let (n1, n2) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        let step = delta / (n1 + n2);
        self.count += other.count;
        self.mean += step * n2;
        self.m2 = self.m2 + other.m2 + delta * step * n1 * n2;
    }
}

/// What is stored of several.
fn columns(spreads: &[Spread]) -> Vec<ArrayRef> {
    let counts: UInt64Array = spreads.iter().map(|spread| Some(spread.count)).collect();
    let means: Float64Array = spreads.iter().map(|spread| Some(spread.mean)).collect();
    let m2s: Float64Array = spreads.iter().map(|spread| Some(spread.m2)).collect();
    vec![Arc::new(counts), Arc::new(means), Arc::new(m2s)]
}

/// Hands on what was stored, with its row.
fn for_each_stored(states: &[ArrayRef], mut take: impl FnMut(usize, Spread)) -> Result<()> {
    let [counts, means, m2s] = states else { return internal_err!("a variance has three parts") };
    let counts = counts.as_primitive::<UInt64Type>();
    let (means, m2s) = (means.as_primitive::<Float64Type>(), m2s.as_primitive::<Float64Type>());
    for row in (0..counts.len()).filter(|row| counts.is_valid(*row)) {
        let (count, mean, m2) = (counts.value(row), means.value(row), m2s.value(row));
        take(row, Spread { count, mean, m2 });
    }
    Ok(())
}

fn numbers(values: &[ArrayRef]) -> Result<&Float64Array> {
    match values {
        [values] => Ok(values.as_primitive::<Float64Type>()),
        _ => internal_err!("a variance is taken of one column"),
    }
}

fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

#[derive(Debug)]
struct One {
    measure: Measure,
    spread: Spread,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        numbers(values)?.iter().flatten().for_each(|value| self.spread.add(value));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.measure.of(self.spread)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Spread { count, mean, m2 } = self.spread;
        Ok(vec![count.into(), mean.into(), m2.into()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for_each_stored(states, |_row, stored| self.spread.merge(stored))
    }
}

#[derive(Debug)]
struct Groups {
    measure: Measure,
    spreads: Vec<Spread>,
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.spreads.resize(total, Spread::default());
        let values = numbers(values)?;
        for (row, group) in groups.iter().enumerate() {
            if values.is_valid(row) && counts(filter, row) {
                self.spreads[*group].add(values.value(row));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let spreads = emit_to.take_needed(&mut self.spreads);
        let measures = spreads.into_iter().map(|spread| self.measure.of(spread));
        Ok(Arc::new(measures.collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(columns(&emit_to.take_needed(&mut self.spreads)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.spreads.resize(total, Spread::default());
        for_each_stored(states, |row, stored| self.spreads[groups[row]].merge(stored))
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = numbers(values)?.iter().enumerate().map(|(row, value)| {
            let mut spread = Spread::default();
            value.filter(|_| counts(filter, row)).into_iter().for_each(|value| spread.add(value));
            spread
        });
        Ok(columns(&rows.collect::<Vec<_>>()))
    }

    fn size(&self) -> usize {
        self.spreads.capacity() * size_of::<Spread>()
    }
}

/// DataFusion's aggregate with accumulators of our own.
struct Variance {
    name: String,
    inner: Arc<AggregateUDF>,
    measure: Measure,
    signature: Signature,
}

impl Debug for Variance {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Variance").field(&self.name).finish()
    }
}

same_by_name!(Variance);

impl AggregateUDFImpl for Variance {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(number(&Given { function: &self.name, types, constants: None })?.takes)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One { measure: self.measure, spread: Spread::default() }))
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { measure: self.measure, spreads: vec![] }))
    }
}
