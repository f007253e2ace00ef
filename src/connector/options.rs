//! Options of a source, a sink or a query: text by case-insensitive name.
//!
//! Whoever uses options describes them ([`OptionDoc`](crate::connector::option_doc::OptionDoc)) and
//! reads them through an [`OptionReader`], which remembers what was asked for. What nobody asked
//! for is an error: that of an option that is refused, or one that names the nearest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use crate::connector::option_doc::{OptionDocs, find};
use crate::error::{Error, Result};

/// Options by name. Names are compared without regard to case and shown as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<String, (String, String)>);

impl Options {
    /// Sets an option; a later value replaces an earlier one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.0.insert(name.to_ascii_lowercase(), (name, value.into()));
    }

    /// The value of an option.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(|(_, value)| value.as_str())
    }

    /// Takes an option out.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(&name.to_ascii_lowercase()).map(|(_, value)| value)
    }

    /// All names and values, as they were given, ordered by lower-case name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.values().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Starts to read these options on behalf of `owner`, such as ``source `json` ``, whose options
    /// `docs` describes.
    pub fn reader(&self, owner: impl Into<String>, docs: OptionDocs) -> OptionReader<'_> {
        OptionReader { owner: owner.into(), options: self, docs, known: BTreeSet::new() }
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut options = Self::default();
        for (name, value) in pairs {
            options.set(name, value);
        }
        options
    }
}

/// The value of an option as a program gives it: text, a number or a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionValue(String);

macro_rules! option_value_from {
    ($($type:ty),*) => {
        $(impl From<$type> for OptionValue {
            fn from(value: $type) -> Self {
                Self(value.to_string())
            }
        })*
    };
}

option_value_from!(&str, &String, String, bool, i32, i64, u32, u64, usize, f64);

impl From<OptionValue> for String {
    fn from(value: OptionValue) -> Self {
        value.0
    }
}

/// Reads options and remembers which were asked for.
#[derive(Debug)]
pub struct OptionReader<'a> {
    owner: String,
    options: &'a Options,
    docs: OptionDocs,
    known: BTreeSet<&'static str>,
}

impl OptionReader<'_> {
    /// Whose options these are, for messages.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The text of an option.
    pub fn text(&mut self, name: &'static str) -> Option<&str> {
        self.known.insert(name);
        self.options.get(name)
    }

    /// The text of an option that somebody else reads.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.options.get(name)
    }

    /// The text of an option that has to be there.
    ///
    /// # Errors
    /// `MissingOption` with `reason` when it is not.
    pub fn required(&mut self, name: &'static str, reason: &str) -> Result<&str> {
        self.known.insert(name);
        self.options.get(name).ok_or_else(|| Error::MissingOption {
            owner: self.owner.clone(),
            option: name.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// An option of a type that can be read from text; `expected` says what such a text is.
    ///
    /// # Errors
    /// `InvalidOption` when the text cannot be read.
    pub fn parsed<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Result<Option<T>> {
        let Some(text) = self.text(name).map(str::to_owned) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_e| self.invalid(name, &text, expected))
    }

    /// A positive whole number.
    ///
    /// # Errors
    /// `InvalidOption` for anything else.
    pub fn positive(&mut self, name: &'static str) -> Result<Option<u64>> {
        let expected = "it must be a positive whole number";
        match self.parsed(name, expected)? {
            Some(0) => Err(self.invalid(name, "0", expected)),
            other => Ok(other),
        }
    }

    /// A time as Spark has it in options, such as `50s` or `12h`, in microseconds; a number without
    /// a unit counts units of so many microseconds.
    ///
    /// # Errors
    /// `InvalidOption` for anything else, and for a negative time.
    pub fn time(&mut self, name: &'static str, bare_unit: i64) -> Result<Option<i64>> {
        let Some(text) = self.text(name).map(str::to_owned) else { return Ok(None) };
        parse_time(&text, bare_unit).map(Some).ok_or_else(|| {
            let reason = "it must be a number and a unit (us, ms, s, m, h, d), such as `50s`";
            self.invalid(name, &text, reason)
        })
    }

    /// `true` or `false`, in any case; `default` when it is not given.
    ///
    /// # Errors
    /// `InvalidOption` for anything else.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool> {
        let Some(text) = self.text(name).map(str::to_owned) else { return Ok(default) };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.invalid(name, &text, "it must be `true` or `false`")),
        }
    }

    /// An `InvalidOption` error for this owner.
    pub fn invalid(&self, name: &str, value: &str, reason: impl Display) -> Error {
        Error::InvalidOption {
            owner: self.owner.clone(),
            option: name.to_owned(),
            value: value.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// `Unsupported` for an option that is refused, `UnknownOption` for one that was never asked
    /// for; `Internal` when one was asked for that is not described as honoured.
    pub fn finish(self) -> Result<()> {
        let hidden = self.known.iter().find(|name| {
            find(self.docs, name).is_none_or(|doc| doc.name != **name || doc.refused.is_some())
        });
        if let Some(name) = hidden {
            let owner = &self.owner;
            return Err(Error::internal(format!("{owner} does not describe its option `{name}`")));
        }
        let known: BTreeSet<String> = self.known.iter().map(|n| n.to_ascii_lowercase()).collect();
        let left = self.options.0.iter().find(|(lower, _)| !known.contains(*lower));
        let Some((_, (given, _))) = left else { return Ok(()) };
        if let Some(reason) = find(self.docs, given).and_then(|doc| doc.refused) {
            let owner = &self.owner;
            return Err(Error::unsupported(format!(
                "option `{given}` of {owner} is not supported: {reason}"
            )));
        }
        Err(Error::UnknownOption {
            owner: self.owner,
            option: given.clone(),
            nearest: nearest(given, self.known.iter().copied()).map(str::to_owned),
        })
    }
}

/// A whole number and a unit, in microseconds.
fn parse_time(text: &str, bare_unit: i64) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let count: i64 = text[..end].parse().ok()?;
    let unit = match text[end..].trim() {
        "" => bare_unit,
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    count.checked_mul(unit)
}

/// The candidate with the most similar name, unless all are far off. Case does not count.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::option_doc::OptionDoc;

    const DOCS: OptionDocs = &[&[
        OptionDoc::honoured("path", "", "/in", ""),
        OptionDoc::honoured("maxFilesPerTrigger", "", "1", ""),
        OptionDoc::refused("modifiedAfter", "", "2024-01-01", "a stream reads all files"),
    ]];

    #[test]
    fn an_option_that_nobody_reads_names_the_nearest() {
        let options: Options = [("maxFilePerTrigger", "1"), ("PATH", "/in")].into_iter().collect();
        let mut reader = options.reader("source `json`", DOCS);
        assert_eq!(reader.text("path"), Some("/in"));
        assert_eq!(reader.positive("maxFilesPerTrigger").unwrap(), None);
        let error = reader.finish().unwrap_err().to_string();
        assert_eq!(
            error,
            "source `json` has no option `maxFilePerTrigger`; did you mean `maxFilesPerTrigger`?"
        );
    }

    #[test]
    fn a_time_has_a_unit_or_the_unit_of_its_option() {
        let cases = [
            ("5", 5_000_000),
            ("1500ms", 1_500_000),
            (" 2 MIN ", 120_000_000),
            ("1d", 86_400_000_000),
        ];
        for (text, micros) in cases {
            assert_eq!(parse_time(text, 1_000_000), Some(micros), "{text}");
        }
        for text in ["", "s", "-1s", "1.5s", "5w", "99999999999999d"] {
            assert_eq!(parse_time(text, 1_000_000), None, "{text}");
        }
    }

    #[test]
    fn zero_is_not_positive() {
        let options: Options = [("maxFilesPerTrigger", "0")].into_iter().collect();
        assert!(options.reader("source `json`", DOCS).positive("maxFilesPerTrigger").is_err());
    }

    #[test]
    fn a_refused_option_says_why() {
        let options: Options = [("ModifiedAfter", "2024-01-01")].into_iter().collect();
        let error = options.reader("source `json`", DOCS).finish().unwrap_err().to_string();
        assert_eq!(
            error,
            "option `ModifiedAfter` of source `json` is not supported: a stream reads all files"
        );
    }

    #[test]
    fn an_option_that_is_read_must_be_described_as_honoured() {
        let options = Options::default();
        for name in ["latestFirst", "PATH", "modifiedAfter"] {
            let mut reader = options.reader("source `json`", DOCS);
            assert_eq!(reader.text(name), None);
            assert!(matches!(reader.finish(), Err(Error::Internal { .. })), "{name}");
        }
    }
}
