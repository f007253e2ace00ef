//! The names of types, for messages and for whoever asks for the type of a column.

use arrow::datatypes::{DataType, Fields, IntervalUnit};

/// The name that Spark gives a type, as in `struct<start:timestamp,end:timestamp>`.
pub fn spark_type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "void".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 | DataType::UInt8 => "smallint".to_owned(),
        DataType::Int32 | DataType::UInt16 => "int".to_owned(),
        DataType::Int64 | DataType::UInt32 => "bigint".to_owned(),
        DataType::UInt64 => "decimal(20,0)".to_owned(),
        DataType::Float16 | DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp".to_owned(),
        DataType::Timestamp(_, None) => "timestamp_ntz".to_owned(),
        DataType::Decimal32(p, s)
        | DataType::Decimal64(p, s)
        | DataType::Decimal128(p, s)
        | DataType::Decimal256(p, s) => format!("decimal({p},{s})"),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".to_owned(),
        DataType::Interval(IntervalUnit::DayTime) | DataType::Duration(_) => {
            "interval day to second".to_owned()
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => "interval".to_owned(),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            format!("array<{}>", spark_type_name(item.data_type()))
        }
        DataType::Struct(fields) => struct_name(fields),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => {
                let parts: Vec<_> = pair.iter().map(|f| spark_type_name(f.data_type())).collect();
                format!("map<{}>", parts.join(","))
            }
            other => other.to_string(),
        },
        DataType::Dictionary(_, value) => spark_type_name(value),
        DataType::RunEndEncoded(_, value) => spark_type_name(value.data_type()),
        other => other.to_string(),
    }
}

/// The same as it is written in SQL, as in `DECIMAL(10,2)`; names of fields keep their letters.
pub fn sql_type_name(data_type: &DataType) -> String {
    let name = spark_type_name(data_type);
    if data_type.is_nested() { name } else { name.to_uppercase() }
}

fn struct_name(fields: &Fields) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|field| format!("{}:{}", field.name(), spark_type_name(field.data_type())))
        .collect();
    format!("struct<{}>", fields.join(","))
}
