//! Columns as a file has them to columns as they were declared.
//!
//! Columns and the fields of structs are matched by name without regard to case; what the file
//! lacks is null. A type changes only where nothing is lost.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

use crate::formats::parquet::types::is_lossless;
use crate::formats::type_name::sql_type_name;

/// The field of this name, by index. `Err` with a message when there are several.
pub(super) fn find(fields: &Fields, name: &str) -> Result<Option<usize>, String> {
    let mut found = fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name().to_lowercase() == name.to_lowercase());
    match (found.next(), found.next()) {
        (Some((_, a)), Some((_, b))) => Err(format!(
            "the file has the columns `{}` and `{}`, which differ in case only, so `{name}` is ambiguous",
            a.name(),
            b.name()
        )),
        (first, _) => Ok(first.map(|(at, _)| at)),
    }
}

/// Whether [`fit`] can make the one type of the other; `Err` with a message where it cannot.
pub(super) fn check(from: &DataType, to: &DataType, name: &str) -> Result<(), String> {
    match (from, to) {
        (DataType::Struct(from), DataType::Struct(to)) => {
            for field in to {
                if let Some(at) = find(from, field.name())? {
                    let name = format!("{name}.{}", field.name());
                    check(from[at].data_type(), field.data_type(), &name)?;
                }
            }
            Ok(())
        }
        (from, DataType::List(to)) => match element(from) {
            Some(from) => check(from.data_type(), to.data_type(), &format!("{name}.element")),
            None => Err(mismatch(from, &DataType::List(Arc::clone(to)), name)),
        },
        (DataType::Map(from, _), DataType::Map(to, _)) => {
            match (from.data_type(), to.data_type()) {
                (DataType::Struct(from), DataType::Struct(to))
                    if from.len() == 2 && to.len() == 2 =>
                {
                    check(from[0].data_type(), to[0].data_type(), &format!("{name}.key"))?;
                    check(from[1].data_type(), to[1].data_type(), &format!("{name}.value"))
                }
                (from, to) => Err(mismatch(from, to, name)),
            }
        }
        (from, to) if is_lossless(from, to) => Ok(()),
        (from, to) => Err(mismatch(from, to, name)),
    }
}

fn mismatch(from: &DataType, to: &DataType, name: &str) -> String {
    let (from, to) = (sql_type_name(from), sql_type_name(to));
    format!("column `{name}` is {from} in the file and cannot be read as {to} without loss")
}

const fn element(data_type: &DataType) -> Option<&FieldRef> {
    match data_type {
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => Some(element),
        _ => None,
    }
}

/// Makes a column of the declared type of one that [`check`] has let pass.
pub(in crate::formats) fn fit(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let wrong = |error: arrow::error::ArrowError| error.to_string();
    match (array.data_type(), to) {
        (DataType::Struct(_), DataType::Struct(to)) => fit_struct(array.as_struct(), to),
        (from, DataType::List(to_element)) if element(from).is_some() => {
            // The kernel turns every kind of list into this one; the elements follow.
            let from_element = element(from).map(Arc::clone).ok_or("no list")?;
            let list = cast(array, &DataType::List(from_element)).map_err(wrong)?;
            let list: &ListArray = list.as_list();
            let values = fit(list.values(), to_element.data_type())?;
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            let fitted = ListArray::try_new(Arc::clone(to_element), offsets, values, nulls);
            Ok(Arc::new(fitted.map_err(wrong)?))
        }
        (DataType::Map(_, _), DataType::Map(entries, sorted)) => {
            let DataType::Struct(pair) = entries.data_type() else { return Err("no map".into()) };
            let map = array.as_map();
            let columns = vec![
                fit(map.keys(), pair[0].data_type())?,
                fit(map.values(), pair[1].data_type())?,
            ];
            let rows = StructArray::try_new(pair.clone(), columns, None).map_err(wrong)?;
            let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
            let fitted = MapArray::try_new(Arc::clone(entries), offsets, rows, nulls, *sorted);
            Ok(Arc::new(fitted.map_err(wrong)?))
        }
        (DataType::Timestamp(_, zone), DataType::Timestamp(TimeUnit::Microsecond, to_zone)) => {
            // The kernel would move a time on the wall by the offset of the zone, which is none
            // for UTC; between zones only the name changes.
            let zone = zone.as_ref().and(to_zone.as_ref()).map(Arc::clone);
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone);
            let array = cast(array, &micros).map_err(wrong)?;
            cast(&array, to).map_err(wrong)
        }
        _ => cast(array, to).map_err(wrong),
    }
}

fn fit_struct(array: &StructArray, to: &Fields) -> Result<ArrayRef, String> {
    let columns = to.iter().map(|field| match find(array.fields(), field.name())? {
        Some(at) => fit(array.column(at), field.data_type()),
        None => Ok(new_null_array(field.data_type(), array.len())),
    });
    let columns = columns.collect::<Result<Vec<_>, String>>()?;
    StructArray::try_new_with_length(to.clone(), columns, array.nulls().cloned(), array.len())
        .map(|fitted| Arc::new(fitted) as ArrayRef)
        .map_err(|error| error.to_string())
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
    // A value that does not fit is an error, never a null.
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

/// Where a declared column comes from.
#[derive(Debug, Clone)]
pub(in crate::formats) struct Origin {
    /// The column of the file; `None` where the file lacks it.
    pub(in crate::formats) column: Option<usize>,
    /// The declared column.
    pub(in crate::formats) field: FieldRef,
}

impl Origin {
    /// Finds a declared column among those of a file.
    pub(in crate::formats) fn find(columns: &Fields, field: &FieldRef) -> Result<Self, String> {
        let column = find(columns, field.name())?;
        if let Some(at) = column {
            check(columns[at].data_type(), field.data_type(), field.name())?;
        }
        Ok(Self { column, field: Arc::<Field>::clone(field) })
    }
}
