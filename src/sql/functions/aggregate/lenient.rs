//! Sums and averages that do not fail: `try_sum` and `try_avg`, which give NULL for what has no
//! place in their type, and the `sum` of a session that is not in ANSI mode, where whole numbers
//! wrap around.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType::{self, Boolean, Decimal128, Float64, Int64};
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::{Aggregate, Making};
use crate::sql::functions::aggregate::sum::{decimal_average, total_type};
use crate::sql::functions::define::{Call, Given};

/// The `sum` of a session that is not in ANSI mode.
pub(in crate::sql) const WRAPPING_SUM: &str = "sum_wrapping";

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let try_sum = |making: &Making<'_>| make(making, Kind::Sum);
    let wrapping = |making: &Making<'_>| make(making, Kind::WrappingSum);
    let try_avg = |making: &Making<'_>| make(making, Kind::Average);
    vec![
        Aggregate::new("try_sum", sum_types, sum_state, try_sum).udaf(),
        Aggregate::new(WRAPPING_SUM, sum_types, sum_state, wrapping).udaf(),
        Aggregate::new("try_avg", avg_types, avg_state, try_avg).udaf(),
    ]
}

fn sum_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    let number = match &given.types[0] {
        DataType::Utf8 | DataType::Null | DataType::Float32 | Float64 => Float64,
        number if number.is_integer() => Int64,
        number @ Decimal128(_, _) => number.clone(),
        _ => return Err(given.refuse("a number")),
    };
    let gives = if number == Float64 { Float64 } else { total_type(&number) };
    Ok(Call { takes: vec![number], gives })
}

fn avg_types(given: &Given<'_>) -> Result<Call> {
    given.count(1..=1)?;
    Ok(match &given.types[0] {
        number @ Decimal128(precision, scale) => {
            // The precision of a decimal is 38 at most, so the scale fits too.
            let gives = Decimal128((precision + 4).min(38), (scale + 4).min(38));
            Call { takes: vec![number.clone()], gives }
        }
        number if number.is_numeric() || matches!(number, DataType::Utf8 | DataType::Null) => {
            Call { takes: vec![Float64], gives: Float64 }
        }
        _ => return Err(given.refuse("a number")),
    })
}

fn sum_state(types: &[DataType]) -> Vec<(&'static str, DataType)> {
    let total = match types {
        [Float64] => Float64,
        [number] => total_type(number),
        _ => DataType::Null,
    };
    vec![("sum", total), ("count", Int64), ("failed", Boolean)]
}

fn avg_state(types: &[DataType]) -> Vec<(&'static str, DataType)> {
    sum_state(types)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sum,
    WrappingSum,
    Average,
}

#[derive(Debug, Clone, Copy)]
enum Total {
    /// Whole numbers, or the digits of decimals.
    Exact(i128),
    Double(f64),
}

fn make(making: &Making<'_>, kind: Kind) -> Result<Box<dyn Accumulator>> {
    let number = making.argument(0)?.clone();
    let total = if number == Float64 { Total::Double(0.0) } else { Total::Exact(0) };
    let gives = making.gives().clone();
    Ok(Box::new(Held { kind, number, gives, total, count: 0, failed: false }))
}

#[derive(Debug)]
struct Held {
    kind: Kind,
    number: DataType,
    gives: DataType,
    total: Total,
    count: i64,
    /// Whether the total had no place in its type.
    failed: bool,
}

impl Held {
    fn add(&mut self, numbers: &ArrayRef) -> Result<()> {
        match (&mut self.total, numbers.data_type()) {
            (Total::Double(total), Float64) => {
                for number in numbers.as_primitive::<Float64Type>().iter().flatten() {
                    *total += number;
                }
            }
            (Total::Exact(total), Int64) => {
                for number in numbers.as_primitive::<Int64Type>().iter().flatten() {
                    *total += i128::from(number);
                }
                if self.kind == Kind::WrappingSum {
                    // The low bits are what is left of a number that wraps around.
                    *total = i128::from(*total as i64);
                }
                self.failed |= i64::try_from(*total).is_err();
            }
            (Total::Exact(total), Decimal128(_, _)) => {
                for number in numbers.as_primitive::<Decimal128Type>().iter().flatten() {
                    let (sum, overflows) = total.overflowing_add(number);
                    *total = sum;
                    self.failed |= overflows;
                }
                if let Decimal128(precision, _) = total_type(&self.number) {
                    let log = total.unsigned_abs().checked_ilog10();
                    self.failed |= log.is_some_and(|log| log >= u32::from(precision));
                }
            }
            (_, other) => return internal_err!("{other} cannot be added up"),
        }
        Ok(())
    }

    /// The total in the type in which it is stored; NULL when there is none.
    fn stored(&self) -> Result<ScalarValue> {
        let known = self.count > 0 && !self.failed;
        Ok(match (self.total, total_type(&self.number)) {
            (Total::Double(total), _) => ScalarValue::Float64(known.then_some(total)),
            (Total::Exact(total), Decimal128(precision, scale)) => {
                ScalarValue::Decimal128(known.then_some(total), precision, scale)
            }
            (Total::Exact(total), _) => {
                ScalarValue::Int64(known.then(|| i64::try_from(total).ok()).flatten())
            }
        })
    }

    fn average(&self) -> ScalarValue {
        let known = self.count > 0 && !self.failed;
        match (self.total, &self.gives, &self.number) {
            (Total::Exact(total), Decimal128(precision, scale), Decimal128(_, from)) => {
                let average = known.then(|| decimal_average(total, self.count, scale - from));
                let fits = |digits: &i128| {
                    let log = digits.unsigned_abs().checked_ilog10();
                    log.is_none_or(|log| log < u32::from(*precision))
                };
                ScalarValue::Decimal128(average.flatten().filter(fits), *precision, *scale)
            }
            (Total::Double(total), ..) => {
                ScalarValue::Float64(known.then(|| total / self.count as f64))
            }
            _ => ScalarValue::Null,
        }
    }
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = values else { return internal_err!("one column was expected") };
        let known = numbers.len() - numbers.null_count();
        self.count += i64::try_from(known).unwrap_or(i64::MAX);
        self.add(numbers)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.kind == Kind::Average { Ok(self.average()) } else { self.stored() }
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let count = ScalarValue::Int64(Some(self.count));
        Ok(vec![self.stored()?, count, ScalarValue::Boolean(Some(self.failed))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums, counts, failed] = states else {
            return internal_err!("a stored sum has three columns");
        };
        self.count += counts.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
        self.failed |= failed.as_boolean().iter().flatten().any(|failed| failed);
        self.add(sums)
    }
}
