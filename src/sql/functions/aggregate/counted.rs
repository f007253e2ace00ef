//! Aggregates that keep every value and how often it came: `percentile`, `median`, `mode`, and the
//! forms of them that are written with WITHIN GROUP.
//!
//! Values are kept in their order, as the bytes of arrow's row format; what is stored is a list of
//! values and one of counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::DataType::{self, Float64, Int64};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{ScalarValue, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::{Aggregate, Making, list_value, lists_of};
use crate::sql::functions::collections::lists::{list_of, normalized};
use crate::sql::functions::define::{Call, Given};

/// `percentile(value, p, frequency)` from the greatest value down.
pub(in crate::sql) const PERCENTILE_DOWN: &str = "percentile_desc";
/// `percentile_disc(p) WITHIN GROUP (ORDER BY value)`.
pub(in crate::sql) const DISCRETE: &str = "percentile_disc_of";
/// `percentile_disc(p) WITHIN GROUP (ORDER BY value DESC)`.
pub(in crate::sql) const DISCRETE_DOWN: &str = "percentile_disc_desc";
/// `mode`, which takes the greatest of several.
pub(in crate::sql) const MODE_DOWN: &str = "mode_desc";

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let up = |making: &Making<'_>| percentile(making, Pick::Between, false);
    let down = |making: &Making<'_>| percentile(making, Pick::Between, true);
    let discrete = |making: &Making<'_>| percentile(making, Pick::Discrete, false);
    let discrete_down = |making: &Making<'_>| percentile(making, Pick::Discrete, true);
    let median = |making: &Making<'_>| held(making, Pick::Between, vec![0.5], false);
    vec![
        Aggregate::new("percentile", percentile_types, state, up).udaf(),
        Aggregate::new(PERCENTILE_DOWN, percentile_types, state, down).udaf(),
        Aggregate::new(DISCRETE, percentile_types, state, discrete).udaf(),
        Aggregate::new(DISCRETE_DOWN, percentile_types, state, discrete_down).udaf(),
        Aggregate::new("median", median_types, state, median).udaf(),
        Aggregate::new("mode", mode_types, state, |making| mode(making, false)).udaf(),
        Aggregate::new(MODE_DOWN, mode_types, state, |making| mode(making, true)).udaf(),
    ]
}

fn state(types: &[DataType]) -> Vec<(&'static str, DataType)> {
    let value = types.first().cloned().unwrap_or(DataType::Null);
    vec![("values", list_of(value)), ("counts", list_of(Int64))]
}

/// Refuses what has no place on a line.
fn number(given: &Given<'_>) -> Result<()> {
    match given.types.first() {
        Some(DataType::Utf8 | DataType::Null) => Ok(()),
        Some(number) if number.is_numeric() => Ok(()),
        _ => Err(given.refuse("a number")),
    }
}

fn percentile_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(2..=3)?;
    number(given)?;
    let (share, gives) = match &given.types[1] {
        DataType::List(_) => (list_of(Float64), list_of(Float64)),
        DataType::Null => return Err(given.refuse("a share from 0 to 1 that is not NULL")),
        _ => (Float64, Float64),
    };
    let takes = [Float64, share, Int64][..count].to_vec();
    Ok(Call { takes, gives })
}

fn median_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    number(given)?;
    Ok(Call { takes: vec![Float64], gives: Float64 })
}

/// A value, and whether the result has to be the same each time, which it always is.
fn mode_types(given: &Given<'_>) -> Result<Call> {
    let count = given.count(1..=2)?;
    if count == 2 && given.types[1] != DataType::Boolean {
        return Err(given.refuse("a value, and true or false"));
    }
    Ok(Call { takes: given.types.to_vec(), gives: given.types[0].clone() })
}

/// How a percentile that falls between two values is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    /// In proportion.
    Between,
    /// By the first value that is far enough up.
    Discrete,
    /// No percentile, but the value that came most often.
    Most,
}

fn percentile(making: &Making<'_>, pick: Pick, down: bool) -> Result<Box<dyn Accumulator>> {
    held(making, pick, making.numbers(1, (0.0, 1.0))?, down)
}

fn mode(making: &Making<'_>, down: bool) -> Result<Box<dyn Accumulator>> {
    held(making, Pick::Most, vec![], down)
}

fn held(
    making: &Making<'_>,
    pick: Pick,
    shares: Vec<f64>,
    down: bool,
) -> Result<Box<dyn Accumulator>> {
    let value = making.argument(0)?.clone();
    Ok(Box::new(Held {
        converter: RowConverter::new(vec![SortField::new(value.clone())])?,
        value,
        counts: BTreeMap::new(),
        bytes: 0,
        pick,
        shares,
        down,
        gives: making.gives().clone(),
    }))
}

#[derive(Debug)]
struct Held {
    converter: RowConverter,
    value: DataType,
    /// How often each value came, in the order of the values.
    counts: BTreeMap<Box<[u8]>, i64>,
    bytes: usize,
    pick: Pick,
    shares: Vec<f64>,
    /// Whether the order runs from the greatest value down.
    down: bool,
    gives: DataType,
}

impl Held {
    fn add(&mut self, values: &ArrayRef, counts: Option<&Int64Array>) -> Result<()> {
        let rows = self.converter.convert_columns(&[normalized(values)?])?;
        for (at, row) in rows.iter().enumerate().filter(|(at, _)| values.is_valid(*at)) {
            let count = match counts {
                Some(counts) if counts.is_null(at) => 0,
                Some(counts) => counts.value(at),
                None => 1,
            };
            if count < 0 {
                return exec_err!(
                    "a value cannot come {count} times; give a frequency of 0 or more"
                );
            }
            if count == 0 {
                continue;
            }
            if let Some(known) = self.counts.get_mut(row.as_ref()) {
                *known = known.saturating_add(count);
            } else {
                self.bytes += row.as_ref().len() + size_of::<(Box<[u8]>, i64)>();
                self.counts.insert(row.as_ref().into(), count);
            }
        }
        Ok(())
    }

    fn values<'a>(&self, rows: impl Iterator<Item = &'a Box<[u8]>>) -> Result<ArrayRef> {
        let parser = self.converter.parser();
        let mut columns = self.converter.convert_rows(rows.map(|row| parser.parse(row)))?;
        match columns.pop() {
            Some(column) => Ok(column),
            None => internal_err!("the values are in one column"),
        }
    }

    fn most(&self) -> Result<ScalarValue> {
        let mut best: Option<(&Box<[u8]>, i64)> = None;
        for (row, count) in &self.counts {
            let count = *count;
            let wins = |most: i64| count > most || (self.down && count == most);
            if best.is_none_or(|(_, most)| wins(most)) {
                best = Some((row, count));
            }
        }
        match best {
            Some((row, _)) => ScalarValue::try_from_array(&self.values(std::iter::once(row))?, 0),
            None => ScalarValue::try_new_null(&self.value),
        }
    }

    fn percentiles(&self) -> Result<ScalarValue> {
        if self.counts.is_empty() {
            return ScalarValue::try_new_null(&self.gives);
        }
        let values = self.values(self.counts.keys())?;
        let mut values = values.as_primitive::<Float64Type>().values().to_vec();
        let mut counts: Vec<i64> = self.counts.values().copied().collect();
        if self.down {
            values.reverse();
            counts.reverse();
        }
        let mut total = 0_i64;
        for count in &mut counts {
            total = total.saturating_add(*count);
            *count = total;
        }
        let at = |place: i64| values[counts.partition_point(|end| *end <= place)];
        let shares = self.shares.iter().map(|share| match self.pick {
            Pick::Discrete => at(((share * total as f64).ceil() as i64 - 1).max(0)),
            _ => {
                let place = share * (total - 1) as f64;
                let (low, high) = (at(place.floor() as i64), at(place.ceil() as i64));
                let weight = place - place.floor();
                if low == high || weight == 0.0 {
                    low
                } else {
                    (1.0 - weight) * low + weight * high
                }
            }
        });
        let results: Vec<f64> = shares.collect();
        match (&self.gives, results.as_slice()) {
            (Float64, [only]) => Ok(ScalarValue::Float64(Some(*only))),
            (Float64, _) => internal_err!("one share gives one percentile"),
            _ => Ok(list_value(Arc::new(Float64Array::from(results)))),
        }
    }
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        match (self.pick, values) {
            (Pick::Most, [values, ..]) | (_, [values] | [values, _]) => self.add(values, None),
            (_, [values, _share, counts]) => {
                self.add(values, counts.as_primitive_opt::<Int64Type>())
            }
            _ => internal_err!("a value was expected"),
        }
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.pick == Pick::Most { self.most() } else { self.percentiles() }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes + self.converter.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.values(self.counts.keys())?;
        let counts: Int64Array = self.counts.values().copied().collect();
        Ok(vec![list_value(values), list_value(Arc::new(counts))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, counts] = states else {
            return internal_err!("the stored values have counts");
        };
        for (values, counts) in lists_of(values)?.iter().zip(lists_of(counts)?) {
            self.add(values, counts.as_primitive_opt::<Int64Type>())?;
        }
        Ok(())
    }
}
