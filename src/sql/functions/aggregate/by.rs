//! `max_by(value, order)` and `min_by(value, order)`: the value of the row with the greatest or the
//! least order. Rows whose order is null count for nothing; of equal orders the last wins.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    [("max_by", true), ("min_by", false)]
        .map(|(name, is_max)| {
            let signature = Signature::any(2, Volatility::Immutable);
            Arc::new(AggregateUDF::from(By { name, is_max, signature }))
        })
        .to_vec()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct By {
    name: &'static str,
    is_max: bool,
    signature: Signature,
}

impl AggregateUDFImpl for By {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        match args {
            [value, _order] => Ok(value.clone()),
            _ => plan_err!("`{}` takes a value and what to order it by", self.name),
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |part: &str, of: &FieldRef| {
            let name = format_state_name(args.name, part);
            Arc::new(Field::new(name, of.data_type().clone(), true))
        };
        match args.input_fields {
            [value, order] => Ok(vec![field("value", value), field("order", order)]),
            _ => internal_err!("`{}` has two columns", self.name),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let [value, order] = args.expr_fields else {
            return internal_err!("`{}` has two columns", self.name);
        };
        let options = SortOptions { descending: !self.is_max, nulls_first: true };
        let field = SortField::new_with_options(order.data_type().clone(), options);
        Ok(Box::new(Held {
            converter: RowConverter::new(vec![field])?,
            value: ScalarValue::try_new_null(value.data_type())?,
            order: ScalarValue::try_new_null(order.data_type())?,
            key: None,
        }))
    }
}

#[derive(Debug)]
struct Held {
    converter: RowConverter,
    value: ScalarValue,
    order: ScalarValue,
    /// The order as bytes; the greatest wins.
    key: Option<Vec<u8>>,
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [value, order] = values else { return internal_err!("two columns were expected") };
        let keys = self.converter.convert_columns(&[Arc::clone(order)])?;
        let best = (0..order.len())
            .filter(|row| order.is_valid(*row))
            .max_by(|a, b| keys.row(*a).cmp(&keys.row(*b)));
        if let Some(best) = best {
            let key = keys.row(best);
            if self.key.as_deref().is_none_or(|held| key.as_ref() >= held) {
                self.key = Some(key.as_ref().to_vec());
                self.value = ScalarValue::try_from_array(value, best)?;
                self.order = ScalarValue::try_from_array(order, best)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() + self.order.size() + self.converter.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.order.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}
