//! `percentile_approx(value, share[, accuracy])`: a value whose rank is off by no more than one in
//! `accuracy` rows, from a summary whose size does not grow with the rows (Greenwald and Khanna,
//! "Space-efficient online computation of quantile summaries").

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType::{self, Float64, Int64};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::{Aggregate, Making, list_value, lists_of};
use crate::sql::functions::aggregate::numbers::{as_doubles, from_doubles, is_ordered};
use crate::sql::functions::collections::lists::list_of;
use crate::sql::functions::define::{Call, Given};

/// How exact it is when nothing is said.
const ACCURACY: i64 = 10_000;
/// How many values wait before they are put into the summary.
const WAITING: usize = 10_000;

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let approx = Aggregate::new("percentile_approx", types, state, make);
    vec![approx.or(&["approx_percentile"]).udaf()]
}

fn types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(2..=3)?;
    let value = match &given.types[0] {
        DataType::Utf8 | DataType::Null => Float64,
        value if is_ordered(value) => value.clone(),
        _ => return Err(given.refuse("a number, a date or a timestamp")),
    };
    let (share, gives) = match &given.types[1] {
        DataType::List(_) => (list_of(Float64), list_of(value.clone())),
        DataType::Null => return Err(given.refuse("a share from 0 to 1 that is not NULL")),
        _ => (Float64, value.clone()),
    };
    let takes = [value, share, Int64][..count].to_vec();
    Ok(Call { takes, gives })
}

fn state(_types: &[DataType]) -> Vec<(&'static str, DataType)> {
    vec![
        ("values", list_of(Float64)),
        ("gaps", list_of(Int64)),
        ("slacks", list_of(Int64)),
        ("count", Int64),
    ]
}

fn make(making: &Making<'_>) -> Result<Box<dyn Accumulator>> {
    let accuracy = match making.args.exprs.len() {
        3 => match making.constant(2)? {
            ScalarValue::Int64(Some(accuracy)) if accuracy > 0 => accuracy,
            _ => return Err(making.refuse("an accuracy of 1 or more as argument 3")),
        },
        _ => ACCURACY,
    };
    Ok(Box::new(Held {
        value: making.argument(0)?.clone(),
        is_list: matches!(making.gives(), DataType::List(_)),
        shares: making.numbers(1, (0.0, 1.0))?,
        error: 1.0 / accuracy as f64,
        summary: Summary::default(),
        waiting: vec![],
    }))
}

/// A value that stands for those between the sample before and itself.
#[derive(Debug, Clone, Copy)]
struct Sample {
    value: f64,
    /// How many values lie between the least rank of the sample before and that of this one.
    gap: i64,
    /// By how much the rank of this one may be greater.
    slack: i64,
}

/// Samples in the order of their values.
#[derive(Debug, Clone, Default)]
struct Summary {
    samples: Vec<Sample>,
    count: i64,
}

impl Summary {
    /// Adds values, which are put in order for it.
    fn insert(&mut self, values: &mut [f64], error: f64) {
        values.sort_by(f64::total_cmp);
        let mut merged = Vec::with_capacity(self.samples.len() + values.len());
        let mut old = self.samples.drain(..).peekable();
        for (at, value) in values.iter().enumerate() {
            while let Some(sample) = old.next_if(|sample| sample.value.total_cmp(value).is_le()) {
                merged.push(sample);
            }
            self.count += 1;
            let is_end = merged.is_empty() || (old.peek().is_none() && at + 1 == values.len());
            let slack = if is_end { 0 } else { (2.0 * error * self.count as f64) as i64 };
            merged.push(Sample { value: *value, gap: 1, slack });
        }
        merged.extend(old);
        self.samples = merged;
        self.compress(error);
    }

    /// Lets samples stand for their neighbours, as far as ranks stay exact enough.
    fn compress(&mut self, error: f64) {
        let allowed = 2.0 * error * self.count as f64;
        let Some(mut head) = self.samples.pop() else { return };
        let mut kept = vec![];
        while let Some(sample) = self.samples.pop() {
            // The first sample stays: it is the least value.
            let merges = ((sample.gap + head.gap + head.slack) as f64) < allowed;
            if merges && !self.samples.is_empty() {
                head.gap += sample.gap;
            } else {
                kept.push(head);
                head = sample;
            }
        }
        kept.push(head);
        kept.reverse();
        self.samples = kept;
    }

    fn merge(&mut self, other: &Self, error: f64) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other.clone();
            return;
        }
        let slack = |summary: &Self| (2.0 * error * summary.count as f64) as i64;
        let (own_slack, other_slack) = (slack(other), slack(self));
        let mut merged = Vec::with_capacity(self.samples.len() + other.samples.len());
        let (mut own, mut others) = (0, 0);
        while let (Some(mine), Some(theirs)) = (self.samples.get(own), other.samples.get(others)) {
            let (sample, more) = if mine.value.total_cmp(&theirs.value).is_le() {
                own += 1;
                (mine, if others > 0 { own_slack } else { 0 })
            } else {
                others += 1;
                (theirs, if own > 0 { other_slack } else { 0 })
            };
            merged.push(Sample { slack: sample.slack + more, ..*sample });
        }
        merged.extend_from_slice(&self.samples[own..]);
        merged.extend_from_slice(&other.samples[others..]);
        self.samples = merged;
        self.count += other.count;
        self.compress(error);
    }

    fn quantile(&self, share: f64, error: f64) -> Option<f64> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        if share <= error {
            return Some(first.value);
        }
        if share >= 1.0 - error {
            return Some(last.value);
        }
        let wanted = (share * self.count as f64).ceil() as i64;
        let off = self.samples.iter().map(|sample| sample.gap + sample.slack).max()? / 2;
        let mut least = 0;
        for sample in &self.samples {
            least += sample.gap;
            if least + sample.slack - off <= wanted && wanted <= least + off {
                return Some(sample.value);
            }
        }
        Some(last.value)
    }
}

#[derive(Debug)]
struct Held {
    value: DataType,
    is_list: bool,
    shares: Vec<f64>,
    error: f64,
    summary: Summary,
    /// Values that are not in the summary yet.
    waiting: Vec<f64>,
}

impl Held {
    fn settle(&mut self) {
        if !self.waiting.is_empty() {
            self.summary.insert(&mut self.waiting, self.error);
            self.waiting.clear();
        }
    }
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values, ..] = values else { return internal_err!("a value was expected") };
        let values = as_doubles(values)?;
        for value in values.iter().flatten() {
            self.waiting.push(if value.is_nan() { f64::NAN } else { value + 0.0 });
            if self.waiting.len() >= WAITING {
                self.settle();
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.settle();
        let results: Option<Vec<f64>> =
            self.shares.iter().map(|share| self.summary.quantile(*share, self.error)).collect();
        let Some(results) = results else {
            let element = &self.value;
            return if self.is_list {
                ScalarValue::try_new_null(&list_of(element.clone()))
            } else {
                ScalarValue::try_new_null(element)
            };
        };
        let values = from_doubles(Float64Array::from(results), &self.value)?;
        if self.is_list { Ok(list_value(values)) } else { ScalarValue::try_from_array(&values, 0) }
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.waiting.capacity() * size_of::<f64>()
            + self.summary.samples.capacity() * size_of::<Sample>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.settle();
        let samples = &self.summary.samples;
        let values: Float64Array = samples.iter().map(|sample| sample.value).collect();
        let gaps: Int64Array = samples.iter().map(|sample| sample.gap).collect();
        let slacks: Int64Array = samples.iter().map(|sample| sample.slack).collect();
        Ok(vec![
            list_value(Arc::new(values)),
            list_value(Arc::new(gaps)),
            list_value(Arc::new(slacks)),
            ScalarValue::Int64(Some(self.summary.count)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, gaps, slacks, counts] = states else {
            return internal_err!("a stored summary has four columns");
        };
        self.settle();
        let (values, gaps, slacks) = (lists_of(values)?, lists_of(gaps)?, lists_of(slacks)?);
        let counts = cast(counts, &Int64)?;
        let counts = counts.as_primitive::<Int64Type>().iter().flatten();
        for (((values, gaps), slacks), count) in values.iter().zip(gaps).zip(slacks).zip(counts) {
            let (Some(values), Some(gaps), Some(slacks)) = (
                values.as_primitive_opt::<Float64Type>(),
                gaps.as_primitive_opt::<Int64Type>(),
                slacks.as_primitive_opt::<Int64Type>(),
            ) else {
                return internal_err!("a stored summary has other types");
            };
            let samples = values.values().iter().zip(gaps.values()).zip(slacks.values());
            let samples = samples.map(|((value, gap), slack)| Sample {
                value: *value,
                gap: *gap,
                slack: *slack,
            });
            let other = Summary { samples: samples.collect(), count };
            self.summary.merge(&other, self.error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: impl Iterator<Item = u32>, error: f64) -> Summary {
        let mut summary = Summary::default();
        let values: Vec<f64> = values.map(f64::from).collect();
        for chunk in values.chunks(1000) {
            summary.insert(&mut chunk.to_vec(), error);
        }
        summary
    }

    /// Numbers in an order without order.
    fn shuffled(count: u32) -> impl Iterator<Item = u32> {
        (0..count).map(move |at| (at * 7919) % count)
    }

    #[test]
    fn few_values_are_found_exactly() {
        let summary = summary(shuffled(1000), 1e-4);
        for (share, expected) in [(0.0, 0.0), (0.01, 9.0), (0.5, 499.0), (0.99, 989.0)] {
            assert_eq!(summary.quantile(share, 1e-4), Some(expected), "{share}");
        }
    }

    #[test]
    fn a_summary_stays_small_and_exact_enough() {
        let error = 0.01;
        let whole = summary(shuffled(100_000), error);
        assert!(whole.samples.len() < 1000, "{} samples", whole.samples.len());
        let mut merged = Summary::default();
        let all: Vec<u32> = shuffled(100_000).collect();
        for part in all.chunks(10_000) {
            merged.merge(&summary(part.iter().copied(), error), error);
        }
        assert_eq!(merged.count, 100_000);
        for summary in [whole, merged] {
            for share in [0.1, 0.25, 0.5, 0.75, 0.9] {
                let found = summary.quantile(share, error).unwrap();
                let off = (found - share * 100_000.0).abs();
                assert!(off <= 2.0 * error * 100_000.0, "{share}: {found}");
            }
        }
    }
}
