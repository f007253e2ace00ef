//! Spark's types: from their SQL names to Arrow and back.
//!
//! TIMESTAMP is microseconds in UTC whatever the session's time zone is, `TIMESTAMP_NTZ`
//! microseconds without a zone, STRING is Utf8.

use std::sync::Arc;

use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit,
};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::planner::TypePlanner;
use sqlparser::ast::{
    ArrayElemTypeDef, DataType as SqlType, ExactNumberInfo, IntervalFields, TimezoneInfo,
};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Result};
pub use crate::formats::type_name::spark_type_name;
use crate::sql::dialect;

/// The Arrow type of TIMESTAMP.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// The Arrow type of `TIMESTAMP_NTZ`.
pub const fn timestamp_ntz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

/// Reads a schema as Spark writes it: `ts TIMESTAMP, k STRING NOT NULL, m MAP<STRING, INT>`.
///
/// # Errors
/// `Invalid` for what is no list of columns, for an unknown type, and for two columns whose names
/// differ at most in case.
pub fn parse_schema(ddl: &str) -> Result<SchemaRef> {
    let tokens = dialect::tokenize(ddl)?;
    schema_of_tokens(tokens).map_err(|error| match error {
        Error::Invalid { message } => {
            Error::invalid(format!("cannot read the schema `{ddl}`: {message}"))
        }
        other => other,
    })
}

/// Reads a type as Spark writes it, such as `ARRAY<INT>`; a list of columns is a struct of them.
///
/// # Errors
/// As [`parse_schema`].
pub fn parse_type(ddl: &str) -> Result<DataType> {
    let tokens = dialect::tokenize(ddl)?;
    match dialect::parse_all(tokens, |parser| parser.parse_data_type()) {
        Ok(sql) => arrow_type(&sql),
        Err(_no_type) => Ok(DataType::Struct(parse_schema(ddl)?.fields().clone())),
    }
}

/// As [`parse_schema`], from tokens.
pub(super) fn schema_of_tokens(tokens: Vec<TokenWithSpan>) -> Result<SchemaRef> {
    let columns = dialect::parse_all(tokens, |p| p.parse_comma_separated(parse_column))?;
    let fields: Vec<Field> = columns
        .into_iter()
        .map(|column| Ok(Field::new(column.name, arrow_type(&column.data_type)?, column.nullable)))
        .collect::<Result<_>>()?;
    for (i, field) in fields.iter().enumerate() {
        if fields[..i].iter().any(|other| other.name().eq_ignore_ascii_case(field.name())) {
            return Err(Error::invalid(format!(
                "the column `{}` is there twice; names of columns do not depend on case",
                field.name()
            )));
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

struct ParsedColumn {
    name: String,
    data_type: SqlType,
    nullable: bool,
}

fn parse_column(parser: &mut Parser<'_>) -> Result<ParsedColumn, ParserError> {
    let name = parser.parse_identifier()?.value;
    // `name: TYPE` is what Spark prints for structs and takes for columns too.
    let _colon = parser.consume_token(&Token::Colon);
    let data_type = parser.parse_data_type()?;
    let nullable = !eat_words(parser, &["NOT", "NULL"]);
    if eat_words(parser, &["COMMENT"]) {
        parser.parse_literal_string()?;
    }
    Ok(ParsedColumn { name, data_type, nullable })
}

fn eat_words(parser: &mut Parser<'_>, words: &[&str]) -> bool {
    let all = words.iter().enumerate().all(|(i, word)| {
        matches!(&parser.peek_nth_token(i).token, Token::Word(w) if w.value.eq_ignore_ascii_case(word))
    });
    if all {
        for _word in words {
            parser.next_token();
        }
    }
    all
}

/// The Arrow type of a type in SQL.
///
/// # Errors
/// `Unsupported` for a type that Spark does not have or that this engine does not have yet.
pub fn arrow_type(sql: &SqlType) -> Result<DataType> {
    if let Some(simple) = simple_type(sql) {
        return Ok(simple);
    }
    match sql {
        SqlType::Decimal(info) | SqlType::Dec(info) | SqlType::Numeric(info) => decimal(info),
        SqlType::Array(
            ArrayElemTypeDef::AngleBracket(item) | ArrayElemTypeDef::Parenthesis(item),
        ) => Ok(DataType::List(Arc::new(Field::new("item", arrow_type(item)?, true)))),
        SqlType::Map(key, value) => map_type(arrow_type(key)?, arrow_type(value)?),
        SqlType::Struct(fields, _) => {
            let fields: Vec<Field> = fields
                .iter()
                .map(|field| {
                    let name = field.field_name.as_ref().ok_or_else(|| {
                        Error::invalid(format!("a field of `{sql}` has no name; write name: TYPE"))
                    })?;
                    Ok(Field::new(&name.value, arrow_type(&field.field_type)?, true))
                })
                .collect::<Result<_>>()?;
            Ok(DataType::Struct(Fields::from(fields)))
        }
        SqlType::Custom(name, arguments) if arguments.is_empty() => custom(&name.to_string()),
        _ => Err(unknown(&sql.to_string())),
    }
}

fn simple_type(sql: &SqlType) -> Option<DataType> {
    Some(match sql {
        SqlType::Boolean | SqlType::Bool => DataType::Boolean,
        SqlType::TinyInt(None) => DataType::Int8,
        SqlType::SmallInt(None) => DataType::Int16,
        SqlType::Int(None) | SqlType::Integer(None) => DataType::Int32,
        SqlType::BigInt(None) => DataType::Int64,
        SqlType::Float(ExactNumberInfo::None) | SqlType::Real => DataType::Float32,
        SqlType::Double(ExactNumberInfo::None) | SqlType::DoublePrecision => DataType::Float64,
        // The length of CHAR and VARCHAR is a promise of the user that nothing here relies on.
        SqlType::String(_)
        | SqlType::Varchar(_)
        | SqlType::Char(_)
        | SqlType::Character(_)
        | SqlType::Text => DataType::Utf8,
        SqlType::Binary(None) => DataType::Binary,
        SqlType::Date => DataType::Date32,
        SqlType::Timestamp(None, TimezoneInfo::None) => timestamp(),
        SqlType::TimestampNtz(None) => timestamp_ntz(),
        SqlType::Interval { fields: None, .. } => DataType::Interval(IntervalUnit::MonthDayNano),
        SqlType::Interval {
            fields: Some(IntervalFields::Year | IntervalFields::Month | IntervalFields::YearToMonth),
            ..
        } => DataType::Interval(IntervalUnit::YearMonth),
        SqlType::Interval { fields: Some(_), .. } => DataType::Duration(TimeUnit::Microsecond),
        _ => return None,
    })
}

/// Names that sqlparser does not know as types.
fn custom(name: &str) -> Result<DataType> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "byte" => DataType::Int8,
        "short" => DataType::Int16,
        "long" => DataType::Int64,
        "timestamp_ltz" => timestamp(),
        "timestamp_ntz" => timestamp_ntz(),
        "void" => DataType::Null,
        _ => return Err(unknown(name)),
    })
}

fn unknown(name: &str) -> Error {
    Error::unsupported(format!(
        "there is no type `{name}`; the types are BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), STRING, BINARY, DATE, TIMESTAMP, TIMESTAMP_NTZ, INTERVAL, ARRAY<..>, MAP<..,..> and STRUCT<name: ..>"
    ))
}

fn decimal(info: &ExactNumberInfo) -> Result<DataType> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (10, 0),
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(p @ 1..=38), Ok(s)) if s >= 0 && i16::from(s) <= i16::from(p) => {
            Ok(DataType::Decimal128(p, s))
        }
        _ => Err(Error::invalid(format!(
            "there is no type DECIMAL({precision},{scale}); the precision is 1 to 38, the scale 0 to the precision"
        ))),
    }
}

/// The type of a map.
///
/// # Errors
/// `Invalid` for a map as key.
pub(super) fn map_type(key: DataType, value: DataType) -> Result<DataType> {
    if matches!(key, DataType::Map(_, _)) {
        return Err(Error::invalid("the key of a MAP cannot be a MAP"));
    }
    let entries =
        Fields::from(vec![Field::new("keys", key, false), Field::new("values", value, true)]);
    Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entries), false)), false))
}

/// Gives DataFusion's planner Spark's types.
#[derive(Debug)]
pub(super) struct SparkTypes;

impl TypePlanner for SparkTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> DfResult<Option<FieldRef>> {
        let data_type = arrow_type(sql_type).map_err(DataFusionError::from)?;
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(ddl_type: &str) -> String {
        spark_type_name(parse_schema(&format!("c {ddl_type}")).unwrap().field(0).data_type())
    }

    #[test]
    fn a_type_comes_back_under_sparks_name() {
        for (given, expected) in [
            ("BYTE", "tinyint"),
            ("short", "smallint"),
            ("INTEGER", "int"),
            ("LONG", "bigint"),
            ("BIGINT", "bigint"),
            ("REAL", "float"),
            ("DOUBLE", "double"),
            ("DECIMAL", "decimal(10,0)"),
            ("DECIMAL(10,2)", "decimal(10,2)"),
            ("NUMERIC(5)", "decimal(5,0)"),
            ("VARCHAR(10)", "string"),
            ("TIMESTAMP", "timestamp"),
            ("TIMESTAMP_LTZ", "timestamp"),
            ("TIMESTAMP_NTZ", "timestamp_ntz"),
            ("BINARY", "binary"),
            ("BOOLEAN", "boolean"),
            ("DATE", "date"),
            ("ARRAY<ARRAY<INT>>", "array<array<int>>"),
            ("MAP<STRING, ARRAY<DOUBLE>>", "map<string,array<double>>"),
            ("STRUCT<a: INT, b: ARRAY<STRING>>", "struct<a:int,b:array<string>>"),
            ("struct<start:timestamp,end:timestamp>", "struct<start:timestamp,end:timestamp>"),
        ] {
            assert_eq!(name_of(given), expected, "{given}");
        }
        assert_eq!(spark_type_name(&DataType::Null), "void");
    }

    #[test]
    fn a_schema_keeps_the_case_of_names_and_not_null() {
        let schema =
            parse_schema("userId STRING NOT NULL COMMENT 'who', `odd name` INT, end TIMESTAMP")
                .unwrap();
        assert_eq!(schema.field(0).name(), "userId");
        assert!(!schema.field(0).is_nullable());
        assert_eq!(schema.field(1).name(), "odd name");
        assert_eq!(schema.field(2).name(), "end");
    }

    #[test]
    fn a_wrong_schema_says_where() {
        for (ddl, part) in [
            ("a INT, A STRING", "there twice"),
            ("a", "cannot read the schema"),
            ("a INT b", "line 1, column 7"),
            ("a DECIMAL(50,2)", "1 to 38"),
            ("a UUID", "there is no type `UUID`"),
        ] {
            let error = parse_schema(ddl).unwrap_err().to_string();
            assert!(error.contains(part), "{ddl}: {error}");
        }
    }
}
