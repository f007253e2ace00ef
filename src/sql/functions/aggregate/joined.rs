//! `listagg(value, delimiter) WITHIN GROUP (ORDER BY ..)`: values joined to one.
//!
//! The AST pass writes the order as arguments, `listagg(value, delimiter, 'ad', key, key)`, so that
//! what is stored is the values and the keys, and the order is made when the result is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::SortOptions;
use arrow::compute::concat;
use arrow::datatypes::DataType::{self, Binary, Utf8};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, AggregateUDF};

use crate::sql::functions::aggregate::define::{Aggregate, Making, list_value, lists_of};
use crate::sql::functions::collections::lists::list_of;
use crate::sql::functions::define::{Call, Given};

/// The name of the aggregate.
pub(in crate::sql) const LISTAGG: &str = "listagg";
/// How many arguments stand before the keys.
const BEFORE_KEYS: usize = 3;
/// How a key is ordered, in the text of the third argument: upwards or down, nulls first or last.
pub(in crate::sql) const fn order_letter(ascending: bool, nulls_first: bool) -> char {
    match (ascending, nulls_first) {
        (true, true) => 'a',
        (true, false) => 'A',
        (false, true) => 'D',
        (false, false) => 'd',
    }
}

/// All aggregates here.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    vec![Aggregate::new(LISTAGG, types, state, make).knowing_distinct().udaf()]
}

fn types(given: &Given<'_>) -> Result<Call> {
    given.count(BEFORE_KEYS..=usize::MAX)?;
    let value = match &given.types[0] {
        Binary => Binary,
        nested if nested.is_nested() => return Err(given.refuse("texts or binaries to join")),
        _ => Utf8,
    };
    let mut takes = vec![value.clone(), value.clone(), Utf8];
    takes.extend_from_slice(&given.types[BEFORE_KEYS..]);
    Ok(Call { takes, gives: value })
}

fn state(types: &[DataType]) -> Vec<(&'static str, DataType)> {
    let kept = |at: &usize| !(1..BEFORE_KEYS).contains(at);
    let columns = types.iter().enumerate().filter(|(at, _)| kept(at));
    columns
        .map(|(at, data_type)| {
            (if at == 0 { "values" } else { "keys" }, list_of(data_type.clone()))
        })
        .collect()
}

fn make(making: &Making<'_>) -> Result<Box<dyn Accumulator>> {
    let delimiter = match making.constant(1)? {
        ScalarValue::Utf8(text) => text.unwrap_or_default().into_bytes(),
        ScalarValue::Binary(bytes) => bytes.unwrap_or_default(),
        _ => return Err(making.refuse("a constant delimiter")),
    };
    let letters = match making.constant(2)? {
        ScalarValue::Utf8(Some(letters)) => letters,
        _ => return Err(making.refuse("an order")),
    };
    let value = making.argument(0)?.clone();
    let keys = letters.chars().enumerate().map(|(at, letter)| {
        let options = SortOptions {
            descending: letter.eq_ignore_ascii_case(&'d'),
            nulls_first: matches!(letter, 'a' | 'D'),
        };
        let key = making.argument(BEFORE_KEYS + at)?.clone();
        Ok((key, options))
    });
    let keys: Vec<(DataType, SortOptions)> = keys.collect::<Result<_>>()?;
    Ok(Box::new(Held {
        columns: vec![vec![]; 1 + keys.len()],
        bytes: 0,
        value,
        keys,
        delimiter,
        is_distinct: making.args.is_distinct,
    }))
}

#[derive(Debug)]
struct Held {
    value: DataType,
    keys: Vec<(DataType, SortOptions)>,
    delimiter: Vec<u8>,
    is_distinct: bool,
    /// The values and then the keys, each as they came.
    columns: Vec<Vec<ArrayRef>>,
    bytes: usize,
}

impl Held {
    fn add<'a>(&mut self, columns: impl Iterator<Item = &'a ArrayRef>) {
        for (held, column) in self.columns.iter_mut().zip(columns) {
            self.bytes += column.get_array_memory_size();
            held.push(Arc::clone(column));
        }
    }

    /// All of a column in one piece.
    fn whole(parts: &[ArrayRef], data_type: &DataType) -> Result<ArrayRef> {
        if parts.is_empty() {
            return Ok(arrow::array::new_empty_array(data_type));
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(concat(&parts)?)
    }

    fn all(&self) -> Result<Vec<ArrayRef>> {
        let types = std::iter::once(&self.value).chain(self.keys.iter().map(|(key, _)| key));
        self.columns.iter().zip(types).map(|(parts, of)| Self::whole(parts, of)).collect()
    }

    /// The rows that have a value, in order.
    fn order(&self, columns: &[ArrayRef]) -> Result<Vec<usize>> {
        let [values, keys @ ..] = columns else { return internal_err!("there are no values") };
        let mut order: Vec<usize> = (0..values.len()).filter(|row| values.is_valid(*row)).collect();
        if !keys.is_empty() {
            let fields = self.keys.iter();
            let fields = fields
                .map(|(key, options)| SortField::new_with_options(key.clone(), *options))
                .collect();
            let rows = RowConverter::new(fields)?.convert_columns(keys)?;
            order.sort_by(|a, b| rows.row(*a).cmp(&rows.row(*b)));
        }
        if self.is_distinct {
            let field = SortField::new(self.value.clone());
            let rows = RowConverter::new(vec![field])?.convert_columns(&[Arc::clone(values)])?;
            let mut seen = std::collections::HashSet::new();
            order.retain(|row| seen.insert(rows.row(*row)));
        }
        Ok(order)
    }
}

impl Accumulator for Held {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [value, _delimiter, _order, keys @ ..] = values else {
            return internal_err!("a value, a delimiter and an order were expected");
        };
        self.add(std::iter::once(value).chain(keys));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let columns = self.all()?;
        let order = self.order(&columns)?;
        let mut joined = Vec::new();
        for (place, row) in order.iter().enumerate() {
            if place > 0 {
                joined.extend_from_slice(&self.delimiter);
            }
            match self.value {
                Binary => joined.extend_from_slice(columns[0].as_binary::<i32>().value(*row)),
                _ => joined.extend_from_slice(columns[0].as_string::<i32>().value(*row).as_bytes()),
            }
        }
        let joined = Some(joined).filter(|_| !order.is_empty());
        Ok(match self.value {
            Binary => ScalarValue::Binary(joined),
            // Texts that are joined are a text.
            _ => {
                ScalarValue::Utf8(joined.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
            }
        })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.all()?.into_iter().map(list_value).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: Vec<Vec<ArrayRef>> = states.iter().map(lists_of).collect::<Result<_>>()?;
        let count = lists.first().map_or(0, Vec::len);
        for at in 0..count {
            let columns: Vec<ArrayRef> =
                lists.iter().filter_map(|list| list.get(at)).cloned().collect();
            self.add(columns.iter());
        }
        Ok(())
    }
}
