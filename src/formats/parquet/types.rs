//! The types that columns of a parquet file have for Spark, and which of them a declared type
//! can take without loss.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use crate::error::{Error, Result};
use crate::formats::format::InputFile;
use crate::formats::type_name::sql_type_name;

/// Checks that columns can be read from files that have types of their own, such as `parquet`.
///
/// # Errors
/// `Unsupported` for a type that is none of SQL's.
pub(in crate::formats) fn check_types(schema: &Schema, files: &str) -> Result<()> {
    let foreign = schema
        .fields()
        .iter()
        .find(|field| spark_type(field.data_type()).as_ref() != Some(field.data_type()));
    match foreign {
        None => Ok(()),
        Some(field) => Err(Error::unsupported(format!(
            "column `{}` of type {} cannot be read from {files}; declare one of the SQL types",
            field.name(),
            sql_type_name(field.data_type())
        ))),
    }
}

/// The columns of a file in Spark's types.
///
/// # Errors
/// `Data` for a column that no SQL type can hold.
pub(in crate::formats) fn spark_schema(schema: &Schema, file: &InputFile) -> Result<SchemaRef> {
    let fields = schema.fields().iter().map(|field| {
        let (name, data_type) = (field.name(), field.data_type());
        let data_type = spark_type(data_type).ok_or_else(|| {
            file.data(format!("column `{name}` is {data_type}, which no SQL type can hold; give a schema without it"))
        })?;
        Ok(Field::new(name, data_type, true))
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
}

/// The type that a column of the file has when nobody declared one.
///
/// `None` for a type that Spark does not have.
pub(in crate::formats) fn spark_type(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _)
        | DataType::Date32 => data_type.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Date64 => DataType::Date32,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(_, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Dictionary(_, value) => spark_type(value)?,
        DataType::Struct(fields) => {
            let fields: Option<Fields> = fields.iter().map(|field| spark_field(field)).collect();
            DataType::Struct(fields?)
        }
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => DataType::List(spark_field(element)?),
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { return None };
            let key = Field::new("key", spark_type(pair.first()?.data_type())?, false);
            let value = Field::new("value", spark_type(pair.get(1)?.data_type())?, true);
            let entries = Field::new("entries", DataType::Struct(vec![key, value].into()), false);
            DataType::Map(Arc::new(entries), false)
        }
        _ => return None,
    })
}

fn spark_field(field: &Field) -> Option<FieldRef> {
    Some(Arc::new(Field::new(field.name(), spark_type(field.data_type())?, true)))
}

/// The field with timestamps as microseconds in UTC wherever `wide` says so of a column of the
/// file; those are the leaves of the schema, in order.
pub(super) fn widened(field: &Field, wide: &mut impl Iterator<Item = bool>) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| widened(field, wide)).collect())
        }
        DataType::List(element) => DataType::List(widened(element, wide)),
        DataType::Map(entries, sorted) => DataType::Map(widened(entries, wide), *sorted),
        leaf => match wide.next() {
            Some(true) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => leaf.clone(),
        },
    };
    Arc::new(field.clone().with_data_type(data_type))
}

/// Whether every value of the one plain type is a value of the other. Digits of a timestamp
/// beyond microseconds do not count.
pub(super) fn is_lossless(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Dictionary(_, from), to) => is_lossless(from, to),
        (DataType::Timestamp(_, from), DataType::Timestamp(TimeUnit::Microsecond, to)) => {
            // A time on the wall is read as UTC; a point in time is no time on some wall.
            to.is_some() || from.is_none()
        }
        (DataType::Date32, DataType::Timestamp(TimeUnit::Microsecond, None)) => true,
        (DataType::Date64, DataType::Date32) => true,
        (from, DataType::Utf8) => {
            matches!(from, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        (from, DataType::Binary) => matches!(
            from,
            DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::FixedSizeBinary(_)
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
        ),
        (from, DataType::Decimal128(precision, scale)) => match whole_digits(from) {
            Some((digits, from_scale)) => {
                *scale >= from_scale && i16::from(*precision) - i16::from(*scale) >= digits
            }
            None => false,
        },
        (from, DataType::Float32) => {
            matches!(from, DataType::Float16 | DataType::Float32)
                || bits(from).is_some_and(|bits| bits <= 24)
        }
        (from, DataType::Float64) => {
            matches!(from, DataType::Float16 | DataType::Float32 | DataType::Float64)
                || bits(from).is_some_and(|bits| bits <= 53)
        }
        (from, to) => match (bits(from), bits(to)) {
            (Some(from_bits), Some(to_bits)) => from_bits <= to_bits,
            _ => from == to,
        },
    }
}

/// How many bits the size of an integer takes, so that signed and unsigned compare.
const fn bits(data_type: &DataType) -> Option<u8> {
    Some(match data_type {
        DataType::Int8 => 7,
        DataType::UInt8 => 8,
        DataType::Int16 => 15,
        DataType::UInt16 => 16,
        DataType::Int32 => 31,
        DataType::UInt32 => 32,
        DataType::Int64 => 63,
        DataType::UInt64 => 64,
        _ => return None,
    })
}

/// How many digits stand before the point at most, and how many after it.
fn whole_digits(data_type: &DataType) -> Option<(i16, i8)> {
    Some(match data_type {
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            (i16::from(*precision) - i16::from(*scale), *scale)
        }
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::UInt64 => (20, 0),
        _ => return None,
    })
}
