//! Which columns JSON lines have.
//!
//! As in Spark: columns come in the order of their names, whole numbers are BIGINT (or a DECIMAL
//! wide enough), other numbers DOUBLE, and what looks like a time stays a STRING. Two types that
//! do not go together make a STRING.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::formats::json::format::{JsonReadOptions, ParseMode};
use crate::formats::json::lines::Line;
use crate::formats::json::scan::{Broken, Cursor, Value};

/// The widest DECIMAL.
const MAX_PRECISION: u8 = 38;

/// What is known so far.
#[derive(Debug)]
pub(super) struct Inference<'a> {
    options: &'a JsonReadOptions,
    columns: BTreeMap<String, Kind>,
    has_malformed: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Null,
    Bool,
    /// A whole number with so many digits.
    Whole(u8),
    Long,
    Double,
    Text,
    Array(Box<Self>),
    Object(BTreeMap<String, Self>),
}

impl<'a> Inference<'a> {
    pub(super) const fn new(options: &'a JsonReadOptions) -> Self {
        Self { options, columns: BTreeMap::new(), has_malformed: false }
    }

    /// Looks at one more line. `Err(why)` in `FAILFAST` when it is malformed.
    pub(super) fn line(&mut self, line: &Line<'_>) -> Result<(), String> {
        let objects = if line.is_utf8 { objects(&line.text) } else { Err(Broken(0)) };
        match objects {
            Ok(objects) => {
                for object in objects {
                    merge_fields(&mut self.columns, object);
                }
                Ok(())
            }
            Err(_) if self.options.mode == ParseMode::FailFast => {
                Err(format!("line {} is no JSON object", line.number))
            }
            Err(_) => {
                self.has_malformed = true;
                Ok(())
            }
        }
    }

    pub(super) fn finish(self) -> Result<SchemaRef> {
        let mut columns = self.columns;
        if self.has_malformed && self.options.mode == ParseMode::Permissive {
            columns.insert(self.options.corrupt_column.clone(), Kind::Text);
        }
        let fields = fields(&columns);
        if fields.is_empty() {
            return Err(Error::invalid(
                "cannot infer a schema, since there are no JSON objects yet; give a schema",
            ));
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}

/// The fields of the object, or the objects of the array, that a line holds.
fn objects(text: &str) -> Result<Vec<BTreeMap<String, Kind>>, Broken> {
    let objects = match Cursor::new(text).value()? {
        object @ Value::Object(_) => vec![kind(object)],
        Value::Array(raw) => {
            let mut elements = vec![];
            Cursor::new(raw).array(&mut |element| elements.push(kind(element)))?;
            elements
        }
        _ => return Err(Broken(0)),
    };
    let fields = objects.into_iter().map(|kind| match kind {
        Kind::Object(fields) => Ok(fields),
        _ => Err(Broken(0)),
    });
    fields.collect()
}

fn kind(value: Value<'_>) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Bool,
        Value::Number(raw) => number(raw),
        Value::NonFinite(_) => Kind::Double,
        Value::Text(_) => Kind::Text,
        Value::Array(raw) => {
            let mut element = Kind::Null;
            // The scanner has been over the text already, so it cannot be broken.
            let _whole = Cursor::new(raw).array(&mut |item| {
                let before = std::mem::replace(&mut element, Kind::Null);
                element = merged(before, kind(item));
            });
            Kind::Array(Box::new(element))
        }
        Value::Object(raw) => {
            let mut fields = BTreeMap::new();
            let _whole = Cursor::new(raw).object(&mut |name, item| {
                fields.insert(name.get().into_owned(), kind(item));
            });
            Kind::Object(fields)
        }
    }
}

fn number(raw: &str) -> Kind {
    let digits = raw.trim_start_matches('-');
    if raw.parse::<i64>().is_ok() {
        Kind::Long
    } else if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Kind::Double
    } else {
        let precision = u8::try_from(digits.len()).unwrap_or(u8::MAX);
        if precision <= MAX_PRECISION { Kind::Whole(precision) } else { Kind::Double }
    }
}

fn merge_fields(into: &mut BTreeMap<String, Kind>, from: BTreeMap<String, Kind>) {
    for (name, kind) in from {
        let before = into.remove(&name).unwrap_or(Kind::Null);
        into.insert(name, merged(before, kind));
    }
}

fn merged(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a,
        (Kind::Null, other) | (other, Kind::Null) => other,
        (Kind::Whole(a), Kind::Whole(b)) => Kind::Whole(a.max(b)),
        // A BIGINT has up to 19 digits; a whole number of this kind has at least as many.
        (Kind::Whole(digits), Kind::Long) | (Kind::Long, Kind::Whole(digits)) => {
            Kind::Whole(digits.max(20))
        }
        (Kind::Double, Kind::Long | Kind::Whole(_))
        | (Kind::Long | Kind::Whole(_), Kind::Double) => Kind::Double,
        (Kind::Array(a), Kind::Array(b)) => Kind::Array(Box::new(merged(*a, *b))),
        (Kind::Object(mut a), Kind::Object(b)) => {
            merge_fields(&mut a, b);
            Kind::Object(a)
        }
        _ => Kind::Text,
    }
}

fn fields(columns: &BTreeMap<String, Kind>) -> Fields {
    let fields =
        columns.iter().filter_map(|(name, kind)| Some(Field::new(name, data_type(kind)?, true)));
    fields.collect()
}

/// `None` for an object without fields, which no column can hold.
fn data_type(kind: &Kind) -> Option<DataType> {
    Some(match kind {
        Kind::Null | Kind::Text => DataType::Utf8,
        Kind::Bool => DataType::Boolean,
        Kind::Whole(precision) => DataType::Decimal128(*precision, 0),
        Kind::Long => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Array(element) => {
            DataType::List(Arc::new(Field::new_list_field(data_type(element)?, true)))
        }
        Kind::Object(columns) => {
            let fields = fields(columns);
            if fields.is_empty() {
                return None;
            }
            DataType::Struct(fields)
        }
    })
}
