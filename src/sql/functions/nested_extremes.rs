//! `max` and `min` of structs and arrays in Spark's order, in which a null inside comes first: the
//! greatest struct of a time and a value is the latest row. DataFusion puts it last.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

use crate::error::Error;
use crate::sql::functions::aggregate::frame::Frame;
use crate::sql::functions::collections::lists::comparable;

/// The greatest or the least of structs or arrays.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NestedExtreme {
    greatest: bool,
    signature: Signature,
}

impl NestedExtreme {
    pub(super) fn new(greatest: bool) -> Self {
        Self { greatest, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for NestedExtreme {
    fn name(&self) -> &'static str {
        if self.greatest { "max" } else { "min" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        let value = args.first().cloned();
        value.ok_or_else(|| Error::internal("an extreme of nothing").into())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "value");
        Ok(vec![Arc::new(Field::new(name, args.return_field.data_type().clone(), true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let value = ScalarValue::try_new_null(args.return_field.data_type())?;
        Ok(Box::new(Held { greatest: self.greatest, value, key: None }))
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let greatest = self.greatest;
        Ok(Box::new(Frame::new(&args, move |args| Self::new(greatest).accumulator(args))))
    }
}

#[derive(Debug)]
struct Held {
    greatest: bool,
    value: ScalarValue,
    /// The value as bytes that compare as it does.
    key: Option<Box<[u8]>>,
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return Err(Error::internal("an extreme is taken of one column").into());
        };
        let keys = comparable(values)?;
        let known = (0..values.len()).filter(|row| values.is_valid(*row));
        let best = match self.greatest {
            true => known.max_by(|a, b| keys.row(*a).cmp(&keys.row(*b))),
            false => known.min_by(|a, b| keys.row(*a).cmp(&keys.row(*b))),
        };
        let Some(best) = best else { return Ok(()) };
        let key = keys.row(best);
        let wins = self.key.as_deref().is_none_or(|held| match self.greatest {
            true => key.as_ref() > held,
            false => key.as_ref() < held,
        });
        if wins {
            self.key = Some(key.as_ref().into());
            self.value = ScalarValue::try_from_array(values, best)?.compacted();
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() + self.key.as_ref().map_or(0, |key| key.len())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
