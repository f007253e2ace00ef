//! Which columns JSON lines have.
//!
//! As in Spark: columns come in the order of their names, whole numbers are BIGINT (or a DECIMAL
//! wide enough), other numbers DOUBLE, and what looks like a time stays a STRING. Two types that
//! do not go together make a STRING.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::json::format::JsonReadOptions;
use crate::formats::json::scan::{Broken, Cursor, Value};
use crate::formats::lines::Line;
use crate::formats::records::{ParseMode, Sample};

/// The widest DECIMAL.
const MAX_PRECISION: u8 = 38;

/// What is known so far.
#[derive(Debug)]
pub(super) struct Inference<'a> {
    options: &'a JsonReadOptions,
    sample: Sample,
    columns: BTreeMap<String, Kind>,
    has_malformed: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Null,
    Bool,
    /// A number with so many digits, and so many of them after the point.
    Exact(u8, i8),
    Long,
    Double,
    Timestamp,
    Text,
    Array(Box<Self>),
    Object(BTreeMap<String, Self>),
}

impl<'a> Inference<'a> {
    pub(super) const fn new(options: &'a JsonReadOptions) -> Self {
        let sample = Sample::new(options.infer.sampling_ratio);
        Self { options, sample, columns: BTreeMap::new(), has_malformed: false }
    }

    /// Looks at one more record. `Err(why)` in `FAILFAST` when it is malformed.
    pub(super) fn line(&mut self, line: &Line<'_>) -> Result<(), String> {
        if !self.sample.takes_next() {
            return Ok(());
        }
        let text = line.text();
        let looker = Looker(self.options);
        let objects = if line.is_utf8() { looker.objects(&text) } else { Err(Broken(0)) };
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
        if self.options.infer.drops_null_fields {
            drop_null_fields(&mut columns);
        }
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

/// The type of one value; `None` for text that is no JSON.
pub(super) fn type_of(text: &str, options: &JsonReadOptions) -> Option<DataType> {
    let value = Cursor::new(text, options.rules).value().ok()?;
    let kind = Looker(options).kind(value);
    Some(data_type(&kind).unwrap_or_else(|| DataType::Struct(Fields::empty())))
}

/// Leaves out fields that never had a value, and those in which nothing is left.
fn drop_null_fields(columns: &mut BTreeMap<String, Kind>) {
    columns.retain(|_, kind| has_value(kind));
}

fn has_value(kind: &mut Kind) -> bool {
    match kind {
        Kind::Null => false,
        Kind::Array(element) => has_value(element),
        Kind::Object(fields) => {
            drop_null_fields(fields);
            !fields.is_empty()
        }
        _ => true,
    }
}

/// Says of what kind values are.
#[derive(Debug, Clone, Copy)]
struct Looker<'a>(&'a JsonReadOptions);

impl Looker<'_> {
    /// The objects that a record holds.
    fn objects(self, text: &str) -> Result<Vec<BTreeMap<String, Kind>>, Broken> {
        let objects = match Cursor::new(text, self.0.rules).value()? {
            object @ Value::Object(_) => vec![self.kind(object)],
            Value::Array(raw) => {
                let mut elements = vec![];
                let each = &mut |element| elements.push(self.kind(element));
                Cursor::new(raw, self.0.rules).array(each)?;
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

    fn kind(self, value: Value<'_>) -> Kind {
        let infer = &self.0.infer;
        match value {
            Value::Null => Kind::Null,
            Value::Bool(_) | Value::Number(_) | Value::NonFinite(_)
                if infer.primitives_as_string =>
            {
                Kind::Text
            }
            Value::Bool(_) => Kind::Bool,
            Value::Number(raw) => number(raw, infer.prefers_decimal),
            Value::NonFinite(_) => Kind::Double,
            Value::Text(text) if infer.timestamps => {
                let times = self.0.times.reader(TimeZone::UTC);
                let is_time = times.timestamp(&text.get()).is_some();
                if is_time { Kind::Timestamp } else { Kind::Text }
            }
            Value::Text(_) => Kind::Text,
            Value::Array(raw) => {
                let mut element = Kind::Null;
                // The scanner has been over the text already, so it cannot be broken.
                let _whole = Cursor::new(raw, self.0.rules).array(&mut |item| {
                    let before = std::mem::replace(&mut element, Kind::Null);
                    element = merged(before, self.kind(item));
                });
                Kind::Array(Box::new(element))
            }
            Value::Object(raw) => {
                let mut fields = BTreeMap::new();
                let _whole = Cursor::new(raw, self.0.rules).object(&mut |name, item| {
                    fields.insert(name.get().into_owned(), self.kind(item));
                });
                Kind::Object(fields)
            }
        }
    }
}

/// A BIGINT, else a DECIMAL where the number is whole or decimals are preferred, else a DOUBLE.
fn number(raw: &str, prefers_decimal: bool) -> Kind {
    if raw.parse::<i64>().is_ok() {
        return Kind::Long;
    }
    let digits = raw.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    let is_whole = !raw.contains('.');
    let whole = whole.trim_start_matches('0');
    let precision = u8::try_from((whole.len() + fraction.len()).max(1)).unwrap_or(u8::MAX);
    let scale = i8::try_from(fraction.len()).unwrap_or(i8::MAX);
    if is_plain && precision <= MAX_PRECISION && (is_whole || prefers_decimal) {
        Kind::Exact(precision, scale)
    } else {
        Kind::Double
    }
}

fn merge_fields(into: &mut BTreeMap<String, Kind>, from: BTreeMap<String, Kind>) {
    for (name, kind) in from {
        let before = into.remove(&name).unwrap_or(Kind::Null);
        into.insert(name, merged(before, kind));
    }
}

/// A DECIMAL for the digits of both, or a DOUBLE where there is none so wide.
fn merged_exact((a, a_scale): (u8, i8), (b, b_scale): (u8, i8)) -> Kind {
    let scale = a_scale.max(b_scale);
    let whole = |precision: u8, scale: i8| i16::from(precision) - i16::from(scale);
    let precision = whole(a, a_scale).max(whole(b, b_scale)) + i16::from(scale);
    match u8::try_from(precision) {
        Ok(precision) if precision <= MAX_PRECISION => Kind::Exact(precision, scale),
        _ => Kind::Double,
    }
}

fn merged(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a,
        (Kind::Null, other) | (other, Kind::Null) => other,
        (Kind::Exact(a, a_scale), Kind::Exact(b, b_scale)) => {
            merged_exact((a, a_scale), (b, b_scale))
        }
        // A BIGINT has up to 19 digits; the DECIMAL for it has twenty.
        (Kind::Exact(digits, scale), Kind::Long) | (Kind::Long, Kind::Exact(digits, scale)) => {
            merged_exact((digits, scale), (20, 0))
        }
        (Kind::Double, Kind::Long | Kind::Exact(..))
        | (Kind::Long | Kind::Exact(..), Kind::Double) => Kind::Double,
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
        Kind::Exact(precision, scale) => DataType::Decimal128(*precision, *scale),
        Kind::Long => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
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
