//! JSON in columns of text: whole values of a type, and single values by a path.

use std::borrow::Cow;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;

use crate::error::{Error, Result};
use crate::event_time::zone::TimeZone;
use crate::formats::json::convert::{Reading, convert, is_supported};
use crate::formats::json::format::JsonReadOptions;
use crate::formats::json::infer::type_of;
use crate::formats::json::scan::{self, Rules, Value};

/// Texts as values of a type, and the rows whose text is no such value.
#[derive(Debug)]
pub struct Parsed {
    /// The values. Of an object with a bad field the other fields are kept; what is no JSON is an
    /// object without fields where an object is wanted, and null else.
    pub values: ArrayRef,
    /// The rows that are malformed, in order.
    pub malformed: Vec<usize>,
}

/// Whether JSON can be read as this type.
pub fn is_readable(data_type: &DataType) -> bool {
    is_supported(data_type)
}

/// Reads each text as a value of a type; an empty text is null.
///
/// # Errors
/// `Unsupported` for a type that JSON cannot be read as.
pub fn parse(texts: &StringArray, to: &DataType) -> Result<Parsed> {
    parse_with(texts, to, &JsonReadOptions::default(), TimeZone::UTC)
}

/// Reads each text as a value of a type, as options say; the mode has no effect. Times that name
/// no zone are in `zone`.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(
    texts: &StringArray,
    to: &DataType,
    options: &JsonReadOptions,
    zone: TimeZone,
) -> Result<Parsed> {
    let how = Reading { rules: options.rules, times: options.times.reader(zone) };
    if !is_supported(to) {
        return Err(Error::unsupported(format!("JSON cannot be read as {to}")));
    }
    let is_object = matches!(to, DataType::Struct(_));
    let texts: Vec<Option<Cow<'_, str>>> =
        texts.iter().map(|text| Some(listed(text?, to))).collect();
    let mut malformed = vec![];
    let mut values = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) else {
            values.push(Value::Null);
            continue;
        };
        let value = scan::Cursor::new(text, how.rules).value();
        values.push(match value {
            Ok(value @ Value::Object(_)) => value,
            Ok(value) if !is_object => value,
            Ok(_) | Err(_) => {
                malformed.push(row);
                if is_object { Value::Object("{}") } else { Value::Null }
            }
        });
    }
    let converted = convert(&values, to, how)?;
    malformed.extend(converted.misfits.iter().map(|misfit| misfit.row));
    malformed.sort_unstable();
    malformed.dedup();
    Ok(Parsed { values: converted.array, malformed })
}

/// An object where an array of structs is wanted, as the array of it alone.
fn listed<'t>(text: &'t str, to: &DataType) -> Cow<'t, str> {
    let of_structs =
        matches!(to, DataType::List(element) if matches!(element.data_type(), DataType::Struct(_)));
    if of_structs && text.trim_start().starts_with('{') {
        return Cow::Owned(format!("[{text}]"));
    }
    Cow::Borrowed(text)
}

/// The type of the value that a text holds; `None` for text that is no JSON.
pub fn infer(text: &str, options: &JsonReadOptions) -> Option<DataType> {
    type_of(text, options)
}

const fn cursor(text: &str) -> scan::Cursor<'_> {
    scan::Cursor::new(text, Rules::DEFAULT)
}

/// How many elements an array has; `None` for what is no array.
pub fn array_length(text: &str) -> Option<usize> {
    let mut count = 0;
    match cursor(text).value().ok()? {
        Value::Array(raw) => cursor(raw).array(&mut |_| count += 1).ok()?,
        _ => return None,
    }
    Some(count)
}

/// The names of an object's fields; `None` for what is no object.
pub fn object_keys(text: &str) -> Option<Vec<String>> {
    let mut names = vec![];
    match cursor(text).value().ok()? {
        Value::Object(raw) => {
            cursor(raw).object(&mut |name, _| names.push(name.get().into_owned())).ok()?;
        }
        _ => return None,
    }
    Some(names)
}

/// A path such as `$.a.b[0]['c'].*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    All,
}

impl Path {
    /// Reads a path; `None` for a text that is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('$')?;
        let mut steps = vec![];
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, after) = after.split_at(end);
                if name.is_empty() {
                    return None;
                }
                steps.push(Step::Field(name.to_owned()));
                rest = after;
                continue;
            }
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            rest = after;
            let quoted = inside.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
            steps.push(match (inside, quoted) {
                ("*", _) => Step::All,
                (_, Some(name)) => Step::Field(name.to_owned()),
                (index, None) => Step::Index(index.parse().ok()?),
            });
        }
        Some(Self(steps))
    }

    /// The value at the path: a text without its quotes, anything else as JSON. Several values, of
    /// a path with `[*]`, are an array.
    pub fn get(&self, text: &str) -> Option<String> {
        let value = cursor(text).value().ok()?;
        if !self.0.contains(&Step::All) {
            let mut at = value;
            for step in &self.0 {
                at = one(at, step)?;
            }
            return match at {
                Value::Array(raw) | Value::Object(raw) => Some(compact(raw)),
                other => other.as_text().map(Cow::into_owned),
            };
        }
        let mut found = vec![value];
        for step in &self.0 {
            found = match step {
                Step::All => found.into_iter().flat_map(elements).collect(),
                step => found.into_iter().filter_map(|value| one(value, step)).collect(),
            };
        }
        let texts: Vec<String> = found.iter().map(|value| json(*value)).collect();
        match texts.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            several => Some(format!("[{}]", several.join(","))),
        }
    }
}

fn one<'a>(value: Value<'a>, step: &Step) -> Option<Value<'a>> {
    let mut found = None;
    match (value, step) {
        (Value::Object(raw), Step::Field(wanted)) => {
            let take = &mut |name: scan::Text<'a>, value| {
                if found.is_none() && name.get() == wanted.as_str() {
                    found = Some(value);
                }
            };
            cursor(raw).object(take).ok()?;
        }
        (Value::Array(_), Step::Index(index)) => {
            found = elements(value).into_iter().nth(*index);
        }
        _ => (),
    }
    found
}

fn elements(value: Value<'_>) -> Vec<Value<'_>> {
    let mut all = vec![];
    if let Value::Array(raw) = value
        && cursor(raw).array(&mut |element| all.push(element)).is_err()
    {
        all.clear();
    }
    all
}

fn json(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => serde_json::Value::from(text.get().into_owned()).to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(raw) | Value::Object(raw) => compact(raw),
        other => other.as_text().map_or_else(String::new, Cow::into_owned),
    }
}

/// JSON without the blanks between its values.
fn compact(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut quote = None;
    let mut escaped = false;
    for letter in raw.chars() {
        match quote {
            Some(open) => {
                if escaped {
                    escaped = false;
                } else if letter == '\\' {
                    escaped = true;
                } else if letter == open {
                    quote = None;
                }
                out.push(letter);
            }
            None if letter.is_ascii_whitespace() => (),
            None => {
                if matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
                out.push(letter);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, path: &str) -> Option<String> {
        Path::parse(path)?.get(text)
    }

    #[test]
    fn a_path_leads_through_objects_and_arrays() {
        let text = r#"{"a": {"b": [1, {"c": "x y"}, 3]}, "d": null}"#;
        assert_eq!(get(text, "$.a.b[1].c").as_deref(), Some("x y"));
        assert_eq!(get(text, "$.a.b").as_deref(), Some(r#"[1,{"c":"x y"},3]"#));
        assert_eq!(get(text, "$['a'].b[*].c").as_deref(), Some(r#""x y""#));
        assert_eq!(get(text, "$.d"), None);
        assert_eq!(get(text, "a"), None);
        assert_eq!(get(text, "$..c"), None);
    }
}
