//! The function that makes the list of a row's new rows: structs whose fields are the columns that
//! the generator gives, numbered, because their names need not differ.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, ListArray, StructArray, UInt64Array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::sql::functions::generators::kind::{Generator, item_of};

/// The name of the field of a column.
pub(super) fn field_name(column: usize) -> String {
    format!("c{column}")
}

/// The function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GeneratedRows {
    pub(super) generator: Generator,
    /// A row that gives no rows has a null in place of the list.
    pub(super) outer: bool,
    pub(super) signature: Signature,
}

impl GeneratedRows {
    pub(super) fn new(generator: Generator, outer: bool) -> Self {
        Self { generator, outer, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn fields(&self, arguments: &[DataType]) -> Result<Fields> {
        let columns = self.generator.columns(arguments)?;
        let numbered = columns.iter().enumerate();
        Ok(numbered
            .map(|(i, column)| Field::new(field_name(i), column.data_type().clone(), true))
            .collect())
    }

    /// Items of lists with an offset for each row.
    fn exploded(&self, argument: &ArrayRef) -> Result<ListArray> {
        let (offsets, nulls, mut columns) = match argument.data_type() {
            DataType::Map(_, _) => {
                let map = argument.as_map();
                let entries = map.entries();
                let pair = vec![Arc::clone(entries.column(0)), Arc::clone(entries.column(1))];
                (map.offsets().clone(), map.nulls().cloned(), pair)
            }
            _ => {
                let list = as_list(argument)?;
                let columns = match self.generator {
                    Generator::Inline => fields_of(list.values().as_struct())?,
                    _ => vec![Arc::clone(list.values())],
                };
                (list.offsets().clone(), list.nulls().cloned(), columns)
            }
        };
        if self.generator == Generator::PosExplode {
            let items = columns.first().map_or(0, Array::len);
            columns.insert(0, Arc::new(places(&offsets, items)));
        }
        self.list(columns, offsets, nulls)
    }

    fn list(
        &self,
        columns: Vec<ArrayRef>,
        offsets: OffsetBuffer<i32>,
        nulls: Option<NullBuffer>,
    ) -> Result<ListArray> {
        let fields: Fields = columns
            .iter()
            .enumerate()
            .map(|(i, column)| Field::new(field_name(i), column.data_type().clone(), true))
            .collect();
        let rows = StructArray::try_new(fields, columns, None)?;
        let nulls = if self.outer {
            let filled = BooleanBuffer::collect_bool(offsets.len() - 1, |row| {
                offsets[row + 1] > offsets[row]
            });
            NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(filled)))
        } else {
            nulls
        };
        let item = Arc::new(Field::new_list_field(rows.data_type().clone(), true));
        Ok(ListArray::try_new(item, offsets, Arc::new(rows), nulls)?)
    }

    /// The arguments of each row, so many in each of its new rows.
    fn stacked(&self, arguments: &[ArrayRef], new_rows: usize) -> Result<ListArray> {
        let rows = arguments.first().map_or(0, Array::len);
        let width = arguments.len().div_ceil(new_rows);
        let mut columns = Vec::with_capacity(width);
        for column in 0..width {
            let first = &arguments[column];
            let missing = new_null_array(first.data_type(), rows);
            let parts: Vec<&dyn Array> = (0..new_rows)
                .map(|i| arguments.get(i * width + column).unwrap_or(&missing).as_ref())
                .collect();
            // One argument after the other becomes one row after the other.
            let order = (0..rows).flat_map(|row| (0..new_rows).map(move |i| i * rows + row));
            let order: UInt64Array = order.map(|place| place as u64).collect();
            columns.push(take(&concat(&parts)?, &order, None)?);
        }
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(new_rows, rows));
        self.list(columns, offsets, None)
    }

    /// One new row of each row.
    fn single(&self, row: &StructArray) -> Result<ListArray> {
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1, row.len()));
        self.list(fields_of(row)?, offsets, None)
    }
}

/// The columns of structs, null where the struct is.
fn fields_of(rows: &StructArray) -> Result<Vec<ArrayRef>> {
    let Some(nulls) = rows.nulls() else { return Ok(rows.columns().to_vec()) };
    let is_null = arrow::array::BooleanArray::new(!nulls.inner(), None);
    rows.columns().iter().map(|column| Ok(arrow::compute::nullif(column, &is_null)?)).collect()
}

fn as_list(argument: &ArrayRef) -> Result<ListArray> {
    match argument.data_type() {
        DataType::List(_) => Ok(argument.as_list::<i32>().clone()),
        other => match item_of(other) {
            Some(item) => {
                let item = Arc::new(Field::new_list_field(item.clone(), true));
                Ok(cast(argument, &DataType::List(item))?.as_list::<i32>().clone())
            }
            None => exec_err!("a generator takes an array or a map, not {other}"),
        },
    }
}

/// The place of each item in its list.
fn places(offsets: &OffsetBuffer<i32>, items: usize) -> Int32Array {
    let mut places = vec![0; items];
    for list in offsets.windows(2) {
        let items = list[0] as usize..list[1] as usize;
        places[items].iter_mut().zip(0..).for_each(|(place, i)| *place = i);
    }
    places.into()
}

impl ScalarUDFImpl for GeneratedRows {
    fn name(&self) -> &'static str {
        self.generator.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match self.generator {
            Generator::Stack(rows) if rows > 0 => {
                let width = arguments.len().div_ceil(rows);
                let common = |column: usize| -> Result<DataType> {
                    let mut all = arguments.iter().skip(column).step_by(width);
                    let first = all.next().cloned().unwrap_or(DataType::Null);
                    all.try_fold(first, |common, next| match comparison_coercion(&common, next) {
                        Some(common) => Ok(common),
                        None => plan_err!("column {column} of `stack` mixes {common} and {next}"),
                    })
                };
                (0..arguments.len()).map(|i| common(i % width)).collect()
            }
            Generator::JsonTuple => Ok(vec![DataType::Utf8; arguments.len()]),
            _ => Ok(arguments.to_vec()),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let rows = DataType::Struct(self.fields(arguments)?);
        Ok(DataType::List(Arc::new(Field::new_list_field(rows, true))))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|f| f.data_type().clone()).collect();
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let list = match self.generator {
            Generator::JsonTuple => {
                let json = datafusion_spark::function::json::json_tuple();
                let rows = args.number_rows;
                let fields = args.arg_fields.iter().map(|field| field.data_type().clone());
                let fields = self.fields(&fields.collect::<Vec<_>>())?;
                let return_field = Arc::new(Field::new("row", DataType::Struct(fields), true));
                let row = json.invoke_with_args(ScalarFunctionArgs { return_field, ..args })?;
                self.single(row.to_array(rows)?.as_struct())?
            }
            Generator::Stack(new_rows) => {
                self.stacked(&ColumnarValue::values_to_arrays(&args.args)?, new_rows)?
            }
            _ => match args.args.as_slice() {
                [argument] => self.exploded(&argument.to_array(args.number_rows)?)?,
                _ => return exec_err!("`{}` takes one argument", self.name()),
            },
        };
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}
