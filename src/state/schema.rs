//! What a stateful operator stores, and whether a changed query may go on with it.
//!
//! ```text
//! state/<operator>/schema   {"formatVersion":1,"kind":"aggregate","description":"...",
//!                            "key":[{"name":"user","type":"STRING","nullable":true}],
//!                            "value":[{"name":"sum(v)","type":"BIGINT","nullable":true}],
//!                            "aggregates":[{"name":"sum(v)","format":"sum-1"}],
//!                            "datafusion":"55.2","keyFormat":"arrow-row-59","keyHash":"xxh64-0"}
//! ```
//!
//! It is written once, by the first run. Types, nullability and order must stay; names may change.

use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use crate::checkpoint::seal;
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::state::file::storage;

/// The version of this file.
const FORMAT_VERSION: u32 = 1;

/// The DataFusion whose partial aggregates this release writes.
const DATAFUSION: &str = "55.2";

/// The versions of DataFusion whose partial aggregates this release reads.
const READABLE_DATAFUSION: &[&str] = &[DATAFUSION];

/// How keys are encoded and put into key groups.
const KEY_FORMAT: &str = "arrow-row-59";
const KEY_HASH: &str = "xxh64-0";

/// The shape of one state store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSchema {
    /// The columns of the key.
    pub key: SchemaRef,
    /// The columns of the value.
    pub value: SchemaRef,
    /// Where the event time is, if rows have one.
    pub time: Option<TimeColumn>,
}

/// Where the event time of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeColumn {
    /// A TIMESTAMP column of the key, by index.
    Timestamp(usize),
    /// A window of the key, a struct of `start` and `end`, by index; its time is its end.
    Window(usize),
    /// A TIMESTAMP column of the value, by index.
    Value(usize),
}

/// What `state/<operator>/schema` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorStateSchema {
    /// The version of this file.
    pub format_version: u32,
    /// The kind of operator, such as `aggregate`.
    pub kind: String,
    /// The operator in words, for people.
    pub description: String,
    /// The columns of the key.
    pub key: Vec<StateField>,
    /// The columns of the value.
    pub value: Vec<StateField>,
    /// The aggregates whose partial state the values are, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<AggregateFormat>,
    /// The windows that keys are made of: groups of windows of another length do not go together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// The version of DataFusion whose partial state the values are.
    pub datafusion: String,
    /// How keys are encoded.
    pub key_format: String,
    /// The hash, and its seed, that puts keys into key groups.
    pub key_hash: String,
}

/// A column of the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateField {
    /// Its name, which may change.
    pub name: String,
    /// Its type as SQL has it; Arrow's name for a type that SQL does not have.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// The columns inside, of a struct, list or map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Self>,
}

/// The form in which an aggregate keeps its partial state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregateFormat {
    /// The aggregate as the query writes it, which may change with the names of columns.
    pub name: String,
    /// The form, such as `sum-1`.
    pub format: String,
}

impl OperatorStateSchema {
    /// What this release writes for an operator of this kind.
    pub fn new(
        kind: impl Into<String>,
        description: impl Into<String>,
        schema: &StateSchema,
        aggregates: Vec<AggregateFormat>,
    ) -> Self {
        let fields = |schema: &SchemaRef| {
            schema.fields().iter().map(|field| StateField::new(field)).collect()
        };
        Self {
            format_version: FORMAT_VERSION,
            kind: kind.into(),
            description: description.into(),
            key: fields(&schema.key),
            value: fields(&schema.value),
            aggregates,
            windows: vec![],
            datafusion: DATAFUSION.to_owned(),
            key_format: KEY_FORMAT.to_owned(),
            key_hash: KEY_HASH.to_owned(),
        }
    }

    /// The same with the windows that its keys are made of.
    #[must_use]
    pub fn with_windows(self, windows: Vec<String>) -> Self {
        Self { windows, ..self }
    }

    /// Writes the file into the operator's folder, in place of one that is there.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn save(&self, operator: &Location) -> Result<()> {
        let at = operator.child("schema");
        let json = serde_json::to_string(self)
            .map_err(|error| Error::internal(format!("a state schema is no JSON: {error}")))?;
        let put = at.store.put(&at.path, PutPayload::from(seal::sealed(json, &at))).await;
        put.map(|_put| ()).map_err(|error| storage("write", &at, error))
    }

    /// Reads the file from the operator's folder; `None` when there is none.
    ///
    /// # Errors
    /// `Corrupt` for a file that cannot be read or is of a later format; `Storage`.
    pub async fn load(operator: &Location) -> Result<Option<Self>> {
        /// What the file of any format says.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            format_version: u32,
        }
        let at = operator.child("schema");
        let found = match at.store.get(&at.path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        let bytes = match found {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(storage("read", &at, error)),
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| Error::corrupt(&at.given, format!("it is not text: {error}")))?;
        let text = seal::opened(text, &at)?;
        let broken = |error: serde_json::Error| {
            Error::corrupt(at.given.clone(), format!("it is no state schema: {error}"))
        };
        let Version { format_version } = serde_json::from_str(&text).map_err(broken)?;
        if format_version != FORMAT_VERSION {
            let reason = format!("it has format version {format_version}, this release reads 1");
            return Err(Error::corrupt(at.given, reason));
        }
        serde_json::from_str(&text).map(Some).map_err(broken)
    }

    /// All that is stored, a line for each column and aggregate.
    pub fn lines(&self) -> Vec<String> {
        let columns = |what: &'static str, fields: &[StateField]| {
            fields.iter().map(|field| format!("{what} {}", field.text())).collect::<Vec<_>>()
        };
        let aggregates = self.aggregates.iter().map(AggregateFormat::text);
        let windows = self.windows.iter().map(|window| format!("window {window}"));
        let (key, value) = (columns("key", &self.key), columns("value", &self.value));
        [key, value, aggregates.collect(), windows.collect()].concat()
    }
}

impl AggregateFormat {
    fn text(&self) -> String {
        format!("{} in form {}", self.name, self.format)
    }
}

impl StateField {
    fn new(field: &Field) -> Self {
        let (data_type, inner) = describe(field.data_type());
        Self {
            name: field.name().clone(),
            data_type,
            nullable: field.is_nullable(),
            fields: inner.into_iter().map(Self::new).collect(),
        }
    }

    /// Whether the columns are the same but for their names.
    fn fits(&self, other: &Self) -> bool {
        self.data_type == other.data_type
            && self.nullable == other.nullable
            && self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|(one, other)| one.fits(other))
    }

    fn text(&self) -> String {
        let null = if self.nullable { "" } else { " NOT NULL" };
        let fields: Vec<_> = self.fields.iter().map(Self::text).collect();
        match fields.as_slice() {
            [] => format!("{} {}{null}", self.name, self.data_type),
            _ => format!("{} {}<{}>{null}", self.name, self.data_type, fields.join(", ")),
        }
    }
}

/// Whether a query that stores `now` may go on with a state that says `stored`.
///
/// # Errors
/// What keeps it from that: a difference line by line, or a form that this release cannot read.
pub fn check(stored: &OperatorStateSchema, now: &OperatorStateSchema) -> Result<(), String> {
    let mut lines = vec![];
    if stored.kind != now.kind {
        lines.push(format!("- operator {}", stored.kind));
        lines.push(format!("+ operator {}", now.kind));
    }
    compare(&mut lines, "key", (&stored.key, &now.key), StateField::fits, StateField::text);
    compare(&mut lines, "value", (&stored.value, &now.value), StateField::fits, StateField::text);
    compare(
        &mut lines,
        "aggregates",
        (&stored.aggregates, &now.aggregates),
        |stored, now| stored.format == now.format,
        AggregateFormat::text,
    );
    compare(&mut lines, "windows", (&stored.windows, &now.windows), String::eq, String::clone);
    if !lines.is_empty() {
        return Err(format!(
            "the state of {} changed; go back to the old query or start with a new checkpoint\n{}",
            now.description,
            lines.join("\n")
        ));
    }
    for (what, stored, now) in [
        ("the form of its keys", &stored.key_format, &now.key_format),
        ("the hash of its keys", &stored.key_hash, &now.key_hash),
    ] {
        if stored != now {
            return Err(unreadable(what, stored, now));
        }
    }
    let readable = READABLE_DATAFUSION.contains(&stored.datafusion.as_str());
    match stored.aggregates.first() {
        Some(aggregate) if !readable => Err(unreadable(
            &format!("the partial state of `{}`, `{}`,", aggregate.name, aggregate.format),
            &format!("DataFusion {}", stored.datafusion),
            &format!("DataFusion {}", READABLE_DATAFUSION.join(", ")),
        )),
        _ => Ok(()),
    }
}

fn unreadable(what: &str, stored: &str, readable: &str) -> String {
    format!(
        "{what} is that of `{stored}` and this release reads `{readable}`; go on with the release \
         that wrote it, or start with a new checkpoint"
    )
}

fn compare<T>(
    lines: &mut Vec<String>,
    what: &str,
    (stored, now): (&[T], &[T]),
    fits: impl Fn(&T, &T) -> bool,
    text: impl Fn(&T) -> String,
) {
    let before = lines.len();
    for at in 0..stored.len().max(now.len()) {
        match (stored.get(at), now.get(at)) {
            (Some(stored), Some(now)) if fits(stored, now) => (),
            (stored, now) => {
                lines.extend(stored.map(|stored| format!("- {}", text(stored))));
                lines.extend(now.map(|now| format!("+ {}", text(now))));
            }
        }
    }
    if lines.len() > before {
        lines.insert(before, format!("{what}:"));
    }
}

/// The name of a type, different for different types, and the columns inside.
fn describe(data_type: &DataType) -> (String, Vec<&Field>) {
    let name = match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INT",
        DataType::Int64 => "BIGINT",
        DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 => "STRING",
        DataType::Binary => "BINARY",
        DataType::Date32 => "DATE",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "TIMESTAMP_NTZ",
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => "TIMESTAMP",
        DataType::Decimal128(precision, scale) => {
            return (format!("DECIMAL({precision}, {scale})"), vec![]);
        }
        DataType::Struct(fields) => {
            return ("STRUCT".to_owned(), fields.iter().map(AsRef::as_ref).collect());
        }
        DataType::List(field) => return ("ARRAY".to_owned(), vec![field]),
        DataType::Map(field, false) => return ("MAP".to_owned(), vec![field]),
        other => return (other.to_string(), vec![]),
    };
    (name.to_owned(), vec![])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;
    use crate::state::fixture;

    fn sum_of(key: &str, data_type: DataType, nullable: bool) -> OperatorStateSchema {
        let schema = StateSchema {
            key: Arc::new(Schema::new(vec![Field::new(key, DataType::Utf8, true)])),
            value: Arc::new(Schema::new(vec![Field::new("sum(v)", data_type, nullable)])),
            time: None,
        };
        let sum = AggregateFormat { name: "sum(v)".to_owned(), format: "sum-1".to_owned() };
        OperatorStateSchema::new("aggregate", "GROUP BY user", &schema, vec![sum])
    }

    #[test]
    fn other_names_fit() {
        let (stored, now) =
            (sum_of("a", DataType::Int64, true), sum_of("b", DataType::Int64, true));
        assert_eq!(check(&stored, &now), Ok(()));
    }

    #[test]
    fn another_type_is_shown_as_a_difference() {
        let (stored, now) =
            (sum_of("a", DataType::Int64, true), sum_of("a", DataType::Float64, false));
        let error = check(&stored, &now).unwrap_err();
        assert!(error.ends_with("value:\n- sum(v) BIGINT\n+ sum(v) DOUBLE NOT NULL"), "{error}");
    }

    #[test]
    fn a_window_is_compared_inside() {
        let window = |unit| {
            let time = DataType::Timestamp(unit, None);
            let fields =
                vec![Field::new("start", time.clone(), false), Field::new("end", time, false)];
            sum_of("a", DataType::Struct(fields.into()), true)
        };
        let (stored, now) = (window(TimeUnit::Microsecond), window(TimeUnit::Second));
        assert_eq!(check(&stored, &stored.clone()), Ok(()));
        let error = check(&stored, &now).unwrap_err();
        assert!(error.contains("STRUCT<start TIMESTAMP_NTZ NOT NULL, "), "{error}");
    }

    #[test]
    fn partial_state_of_an_unknown_datafusion_is_refused() {
        let now = sum_of("a", DataType::Int64, true);
        let stored = OperatorStateSchema { datafusion: "61.0".to_owned(), ..now.clone() };
        let error = check(&stored, &now).unwrap_err();
        assert!(error.contains("`sum(v)`, `sum-1`, is that of `DataFusion 61.0`"), "{error}");
        let bare = OperatorStateSchema { aggregates: vec![], ..now };
        let stored = OperatorStateSchema { datafusion: "61.0".to_owned(), ..bare.clone() };
        assert_eq!(check(&stored, &bare), Ok(()));
    }

    #[tokio::test]
    async fn a_schema_is_read_as_it_was_written_last() {
        let operator = fixture::location().child("op");
        let first = sum_of("a", DataType::Int64, true);
        assert_eq!(OperatorStateSchema::load(&operator).await.unwrap(), None);
        sum_of("b", DataType::Float64, true).save(&operator).await.unwrap();
        first.save(&operator).await.unwrap();
        assert_eq!(OperatorStateSchema::load(&operator).await.unwrap(), Some(first));
    }

    #[tokio::test]
    async fn a_schema_of_a_later_format_is_refused() {
        let operator = fixture::location().child("op");
        let later = OperatorStateSchema { format_version: 2, ..sum_of("a", DataType::Int8, true) };
        later.save(&operator).await.unwrap();
        let error = OperatorStateSchema::load(&operator).await.unwrap_err().to_string();
        assert!(error.contains("op/schema") && error.contains("format version 2"), "{error}");
    }
}
