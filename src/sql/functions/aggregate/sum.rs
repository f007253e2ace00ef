//! `sum` of whole numbers and decimals, which fails when it leaves the range of its type, and `avg`
//! of decimals, rounded half up. Those that do not fail are in `lenient.rs`.
//!
//! Sums of floating-point numbers and all other averages are DataFusion's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, i256};
use datafusion::common::{ScalarValue, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use crate::sql::functions::aggregate::frame::Frame;
use crate::sql::functions::aggregate::sum_groups::SumGroups;

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let signature = Signature::user_defined(Volatility::Immutable);
    let total = |kind: Kind, inner: Arc<AggregateUDF>, aliases: &[&str]| {
        let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
        let total = Total { kind, inner, signature: signature.clone(), aliases };
        Arc::new(AggregateUDF::from(total))
    };
    vec![
        total(Kind::Sum, sum_udaf(), &[]),
        // DataFusion's own way to give a function another name forgets about frames that slide.
        total(Kind::Average, avg_udaf(), &["mean"]),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Sum,
    Average,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Total {
    kind: Kind,
    inner: Arc<AggregateUDF>,
    signature: Signature,
    aliases: Vec<String>,
}

impl Total {
    /// Whether the numbers are added up here, given their type.
    fn is_exact(&self, number: &DataType) -> bool {
        match number {
            DataType::Decimal128(_, _) => true,
            whole => self.kind == Kind::Sum && whole.is_integer(),
        }
    }

    fn exact(&self, args: &AccumulatorArgs<'_>, slides: bool) -> Option<Box<dyn Accumulator>> {
        let number = args.expr_fields.first()?.data_type();
        if args.is_distinct || !self.is_exact(number) {
            return None;
        }
        let scale = if let DataType::Decimal128(_, scale) = number { *scale } else { 0 };
        let gives = args.return_field.data_type().clone();
        Some(Box::new(Held { kind: self.kind, scale, gives, total: None, count: 0, slides }))
    }
}

/// The type in which decimals are added up: ten digits more, as far as there are.
pub(super) fn total_type(number: &DataType) -> DataType {
    match number {
        DataType::Decimal128(precision, scale) => {
            DataType::Decimal128((precision + 10).min(38), *scale)
        }
        _ => DataType::Int64,
    }
}

impl AggregateUDFImpl for Total {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sum => "sum",
            Kind::Average => "avg",
        }
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            // A timestamp counts as its seconds.
            [DataType::Utf8 | DataType::Null | DataType::Timestamp(_, Some(_))] => {
                Ok(vec![DataType::Float64])
            }
            [number] if number.is_integer() && self.kind == Kind::Sum => Ok(vec![DataType::Int64]),
            [number] if number.is_integer() => Ok(vec![DataType::Float64]),
            [DataType::Float32] => Ok(vec![DataType::Float64]),
            [number] => match number {
                DataType::Float64
                | DataType::Decimal128(_, _)
                | DataType::Duration(_)
                | DataType::Interval(_) => Ok(vec![number.clone()]),
                _ => self.inner.coerce_types(types),
            },
            _ => self.inner.coerce_types(types),
        }
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match (self.kind, args) {
            (Kind::Sum, [number @ DataType::Decimal128(_, _)]) => Ok(total_type(number)),
            (Kind::Average, [DataType::Decimal128(precision, scale)]) => {
                // The precision of a decimal is 38 at most, so the scale fits too.
                let scale = (scale + 4).min(38);
                Ok(DataType::Decimal128((precision + 4).min(38), scale))
            }
            _ => self.inner.return_type(args),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let number = args.input_fields.first().map(|field| field.data_type().clone());
        let Some(number) = number.filter(|number| !args.is_distinct && self.is_exact(number))
        else {
            return self.inner.state_fields(args);
        };
        let field = |part: &str, of: DataType| {
            Arc::new(Field::new(format_state_name(args.name, part), of, true))
        };
        Ok(match self.kind {
            Kind::Sum => vec![field("sum", total_type(&number))],
            Kind::Average => {
                vec![field("count", DataType::Int64), field("sum", total_type(&number))]
            }
        })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match self.exact(&args, false) {
            Some(exact) => Ok(exact),
            None => self.inner.accumulator(args),
        }
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if let Some(exact) = self.exact(&args, true) {
            return Ok(exact);
        }
        let inner = Arc::clone(&self.inner);
        Ok(Box::new(Frame::new(&args, move |args| inner.accumulator(args))))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        match (self.exact(&args, false), self.kind) {
            (Some(_), kind) => kind == Kind::Sum,
            (None, _) => self.inner.groups_accumulator_supported(args),
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        if self.exact(&args, false).is_some() {
            return Ok(Box::new(SumGroups::new(args.return_field.data_type().clone())));
        }
        self.inner.create_groups_accumulator(args)
    }
}

#[derive(Debug)]
struct Held {
    kind: Kind,
    scale: i8,
    gives: DataType,
    total: Option<i128>,
    count: i64,
    /// Whether values are taken out again, so that a sum is to fit its type only as a result.
    slides: bool,
}

impl Held {
    fn add(&mut self, numbers: &ArrayRef, sign: i128) -> Result<()> {
        let mut total = self.total.unwrap_or(0);
        let before = numbers.len() - numbers.null_count();
        match numbers.data_type() {
            DataType::Int64 => {
                for number in numbers.as_primitive::<Int64Type>().iter().flatten() {
                    total += sign * i128::from(number);
                }
            }
            DataType::Decimal128(_, _) => {
                for number in numbers.as_primitive::<Decimal128Type>().iter().flatten() {
                    let Some(sum) = total.checked_add(sign * number) else { return overflow() };
                    total = sum;
                }
            }
            other => return internal_err!("{other} cannot be added up"),
        }
        if before > 0 {
            self.total = Some(total);
        }
        if self.slides {
            return Ok(());
        }
        // As long as a sum fits its type between batches, it can be stored.
        self.fitting().map(|_fits| ())
    }

    /// The sum as a value of the type in which it is stored.
    fn fitting(&self) -> Result<ScalarValue> {
        match &self.gives {
            DataType::Int64 => match self.total.map(i64::try_from) {
                None => Ok(ScalarValue::Int64(None)),
                Some(Ok(total)) => Ok(ScalarValue::Int64(Some(total))),
                Some(Err(_)) => overflow(),
            },
            _ => {
                let precision = self.precision();
                let fits = self.total.is_none_or(|total| {
                    total
                        .unsigned_abs()
                        .checked_ilog10()
                        .is_none_or(|log| log < u32::from(precision))
                });
                if fits {
                    Ok(ScalarValue::Decimal128(self.total, precision, self.scale))
                } else {
                    overflow()
                }
            }
        }
    }

    /// The precision in which a sum of decimals is stored.
    fn precision(&self) -> u8 {
        match (self.kind, &self.gives) {
            (Kind::Sum, DataType::Decimal128(precision, _)) => *precision,
            (Kind::Average, DataType::Decimal128(precision, _)) => {
                // The average has four digits more than its input, the sum ten.
                (precision + 6).min(38)
            }
            _ => 38,
        }
    }

    fn average(&self) -> Result<ScalarValue> {
        let DataType::Decimal128(precision, scale) = self.gives else {
            return internal_err!("an exact average is a decimal");
        };
        let Some(total) = self.total.filter(|_| self.count > 0) else {
            return Ok(ScalarValue::Decimal128(None, precision, scale));
        };
        match decimal_average(total, self.count, scale - self.scale) {
            Some(average) => Ok(ScalarValue::Decimal128(Some(average), precision, scale)),
            None => overflow(),
        }
    }
}

/// `total / count` with so many digits more, rounded half up; `None` for what has no place.
pub(super) fn decimal_average(total: i128, count: i64, digits: i8) -> Option<i128> {
    let shift = u32::try_from(digits).unwrap_or(0);
    let scaled = i256::from_i128(total).wrapping_mul(i256::from_i128(10_i128.pow(shift)));
    let count = i256::from_i128(i128::from(count));
    let (quotient, rest) = (scaled.wrapping_div(count), scaled.wrapping_rem(count));
    let up = rest.wrapping_abs().wrapping_mul(i256::from_i128(2)) >= count;
    let step = match (up, total < 0) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => -1,
    };
    quotient.wrapping_add(i256::from_i128(step)).to_i128()
}

pub(super) fn overflow<T>() -> Result<T> {
    exec_err!(
        "`sum`: a sum is out of the range of its type; use `try_sum` to get NULL instead, or cast what is added to a wider type such as DECIMAL(38, 0)"
    )
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = values else { return internal_err!("one column was expected") };
        let known = numbers.len() - numbers.null_count();
        self.count += i64::try_from(known).unwrap_or(i64::MAX);
        self.add(numbers, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = values else { return internal_err!("one column was expected") };
        let known = numbers.len() - numbers.null_count();
        self.count -= i64::try_from(known).unwrap_or(i64::MAX);
        self.add(numbers, -1)?;
        if self.count == 0 {
            self.total = None;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        self.slides
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.kind {
            Kind::Sum => self.fitting(),
            Kind::Average => self.average(),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = self.fitting()?;
        Ok(match self.kind {
            Kind::Sum => vec![sum],
            Kind::Average => vec![ScalarValue::Int64(Some(self.count)), sum],
        })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        match (self.kind, states) {
            (Kind::Sum, [sums]) => self.add(sums, 1),
            (Kind::Average, [counts, sums]) => {
                self.count += counts.as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
                self.add(sums, 1)
            }
            _ => internal_err!("the stored sum has other columns"),
        }
    }
}
