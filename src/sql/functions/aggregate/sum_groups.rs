//! The sums of many groups at once.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, PrimitiveArray,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Int64Type};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::sql::functions::aggregate::sum::overflow;

/// Sums of whole numbers or decimals by group.
#[derive(Debug)]
pub(super) struct SumGroups {
    gives: DataType,
    totals: Vec<i128>,
    /// Whether a group has seen a value that is not null.
    seen: Vec<bool>,
}

impl SumGroups {
    /// No groups yet, for sums of this type.
    pub(super) const fn new(gives: DataType) -> Self {
        Self { gives, totals: vec![], seen: vec![] }
    }

    fn add<T>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<()>
    where
        T: ArrowPrimitiveType,
        T::Native: Into<i128>,
    {
        for (row, group) in groups.iter().enumerate() {
            let is_in = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if !is_in || values.is_null(row) {
                continue;
            }
            let Some(total) = self.totals[*group].checked_add(values.value(row).into()) else {
                return overflow();
            };
            self.totals[*group] = total;
            self.seen[*group] = true;
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = emit_to.take_needed(&mut self.totals);
        let seen = emit_to.take_needed(&mut self.seen);
        let known = totals.into_iter().zip(seen).map(|(total, seen)| seen.then_some(total));
        match self.gives {
            DataType::Int64 => {
                let fitting = known.map(|total| match total.map(i64::try_from) {
                    None => Ok(None),
                    Some(Ok(total)) => Ok(Some(total)),
                    Some(Err(_)) => overflow(),
                });
                Ok(Arc::new(fitting.collect::<Result<Int64Array>>()?))
            }
            DataType::Decimal128(precision, scale) => {
                let fits = |total: i128| {
                    let log = total.unsigned_abs().checked_ilog10();
                    log.is_none_or(|log| log < u32::from(precision))
                };
                let fitting = known.map(|total| match total {
                    Some(total) if !fits(total) => overflow(),
                    other => Ok(other),
                });
                let sums = fitting.collect::<Result<Decimal128Array>>()?;
                Ok(Arc::new(sums.with_precision_and_scale(precision, scale)?))
            }
            ref other => internal_err!("a sum cannot be {other}"),
        }
    }
}

impl GroupsAccumulator for SumGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.totals.resize(total, 0);
        self.seen.resize(total, false);
        let [values] = values else { return internal_err!("one column was expected") };
        match values.data_type() {
            DataType::Int64 => self.add(values.as_primitive::<Int64Type>(), groups, filter),
            DataType::Decimal128(_, _) => {
                self.add(values.as_primitive::<Decimal128Type>(), groups, filter)
            }
            other => internal_err!("{other} cannot be added up"),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.take(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.take(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(values, groups, None, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values] = values else { return internal_err!("one column was expected") };
        let kept = match filter {
            Some(filter) => {
                // A condition that is neither true nor false leaves a row out, too.
                let left_out: BooleanArray =
                    filter.iter().map(|counts| Some(counts != Some(true))).collect();
                arrow::compute::nullif(values, &left_out)?
            }
            None => Arc::clone(values),
        };
        Ok(vec![arrow::compute::cast(&kept, &self.gives)?])
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<i128>() + self.seen.capacity()
    }
}
