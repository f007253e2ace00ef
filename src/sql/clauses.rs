//! The clauses of CREATE TABLE and CREATE STREAMING TABLE: USING, OPTIONS, LOCATION, PARTITIONED
//! BY, OUTPUT MODE, TRIGGER.

use std::time::Duration;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::config::Trigger;
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::error::{Error, Result};
use crate::event_time::interval::parse_interval;
use crate::sql::cursor::{Cursor, is_word};
use crate::sql::dialect::at;
use crate::sql::interval::find_interval;

/// The clauses that were given, each at most once.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    /// USING.
    pub(super) format: Option<String>,
    /// OPTIONS.
    pub(super) options: Option<Options>,
    /// LOCATION, another word for the option `path`.
    location: Option<String>,
    /// PARTITIONED BY.
    pub(super) partition_by: Option<Vec<String>>,
    /// OUTPUT MODE.
    pub(super) mode: Option<OutputMode>,
    /// TRIGGER.
    pub(super) trigger: Option<Trigger>,
}

impl Clauses {
    /// The options, with the path that LOCATION gives.
    pub(super) fn take_options(&mut self) -> Result<Options> {
        let mut options = self.options.take().unwrap_or_default();
        if let Some(location) = self.location.take() {
            if options.get("path").is_some() {
                return Err(Error::invalid(
                    "LOCATION and the option `path` say the same; leave one of them out",
                ));
            }
            options.set("path", location);
        }
        Ok(options)
    }
}

/// Reads all clauses in any order, up to the end of the statement or up to its query.
pub(super) fn table_clauses(cursor: &mut Cursor<'_>) -> Result<Clauses> {
    let mut clauses = Clauses::default();
    while let Some(next) = cursor.peek() {
        if ["AS", "SELECT", "WITH"].iter().any(|word| is_word(next, word)) {
            break;
        }
        if !table_clause(cursor, &mut clauses)? {
            return Err(unknown(
                cursor,
                "CREATE TABLE",
                "USING, OPTIONS, LOCATION and PARTITIONED BY, and then AS and a query",
            ));
        }
    }
    Ok(clauses)
}

/// Reads all clauses in any order, up to and including AS.
pub(super) fn streaming_table_clauses(cursor: &mut Cursor<'_>) -> Result<Clauses> {
    let mut clauses = Clauses::default();
    while !cursor.eat(&["AS"]) {
        let here = cursor.location();
        if table_clause(cursor, &mut clauses)? {
            continue;
        }
        if cursor.eat(&["OUTPUT", "MODE"]) {
            let mode = output_mode(cursor)?;
            if clauses.mode.replace(mode).is_some() {
                return Err(at(here, "OUTPUT MODE is there twice"));
            }
        } else if cursor.eat(&["TRIGGER"]) {
            let trigger = trigger(cursor)?;
            if clauses.trigger.replace(trigger).is_some() {
                return Err(at(here, "TRIGGER is there twice"));
            }
        } else {
            return Err(unknown(
                cursor,
                "CREATE STREAMING TABLE",
                "USING, OPTIONS, LOCATION, PARTITIONED BY, OUTPUT MODE and TRIGGER, then AS and the query",
            ));
        }
    }
    Ok(clauses)
}

/// A clause that both statements have.
fn table_clause(cursor: &mut Cursor<'_>, clauses: &mut Clauses) -> Result<bool> {
    let here = cursor.location();
    if cursor.eat(&["USING"]) {
        let format = cursor.name("format")?;
        if clauses.format.replace(format).is_some() {
            return Err(at(here, "USING is there twice"));
        }
    } else if cursor.eat(&["OPTIONS"]) {
        let options = options(cursor.parenthesized()?)?;
        if clauses.options.replace(options).is_some() {
            return Err(at(here, "OPTIONS is there twice"));
        }
    } else if cursor.eat(&["LOCATION"]) {
        let location = cursor.string("the path of a folder in quotes")?.to_owned();
        if clauses.location.replace(location).is_some() {
            return Err(at(here, "LOCATION is there twice"));
        }
    } else if cursor.eat(&["PARTITIONED", "BY"]) {
        let columns = column_names(cursor.parenthesized()?)?;
        if clauses.partition_by.replace(columns).is_some() {
            return Err(at(here, "PARTITIONED BY is there twice"));
        }
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn unknown(cursor: &Cursor<'_>, statement: &str, clauses: &str) -> Error {
    let found = cursor.peek().map_or_else(
        || "the statement ends too early".to_owned(),
        |t| format!("there is no clause `{}`", t.token),
    );
    at(cursor.location(), &format!("{found}; {statement} takes {clauses}"))
}

/// `a, b`
fn column_names(tokens: &[TokenWithSpan]) -> Result<Vec<String>> {
    let mut cursor = Cursor::new(tokens);
    let mut names = vec![cursor.name("column")?];
    while cursor.eat_token(&Token::Comma) {
        names.push(cursor.name("column")?);
    }
    cursor.end().map_err(|_end| cursor.unexpected("`,` or `)`"))?;
    Ok(names)
}

/// `path '/in', maxFilesPerTrigger = 1, 'a.b' true`
fn options(tokens: &[TokenWithSpan]) -> Result<Options> {
    let mut cursor = Cursor::new(tokens);
    let mut options = Options::default();
    while cursor.peek().is_some() {
        let here = cursor.location();
        let key = option_key(&mut cursor)?;
        let _equals = cursor.eat_token(&Token::Eq);
        let value = option_value(&mut cursor, &key)?;
        if options.get(&key).is_some() {
            return Err(at(here, &format!("the option `{key}` is there twice")));
        }
        options.set(key, value);
        if !cursor.eat_token(&Token::Comma) {
            cursor.end().map_err(|_end| cursor.unexpected("`,` or `)`"))?;
        }
    }
    Ok(options)
}

fn option_key(cursor: &mut Cursor<'_>) -> Result<String> {
    if let Ok(text) = cursor.string("") {
        return Ok(text.to_owned());
    }
    let mut key = String::new();
    loop {
        match cursor.peek().map(|token| &token.token) {
            Some(Token::Word(word)) => key.push_str(&word.value),
            _ => return Err(cursor.unexpected("the name of an option")),
        }
        cursor.skip(1);
        if !cursor.eat_token(&Token::Period) {
            return Ok(key);
        }
        key.push('.');
    }
}

fn option_value(cursor: &mut Cursor<'_>, key: &str) -> Result<String> {
    let sign = if cursor.eat_token(&Token::Minus) { "-" } else { "" };
    let value = match cursor.peek().map(|token| &token.token) {
        Some(Token::SingleQuotedString(text) | Token::DoubleQuotedString(text))
            if sign.is_empty() =>
        {
            text.clone()
        }
        Some(Token::Number(digits, _)) => format!("{sign}{digits}"),
        Some(Token::Word(word))
            if sign.is_empty()
                && ["true", "false"].iter().any(|flag| word.value.eq_ignore_ascii_case(flag)) =>
        {
            word.value.to_ascii_lowercase()
        }
        _ => {
            return Err(cursor.unexpected(&format!(
                "the value of option `{key}`: a text in quotes, a number, true or false"
            )));
        }
    };
    cursor.skip(1);
    Ok(value)
}

fn output_mode(cursor: &mut Cursor<'_>) -> Result<OutputMode> {
    let here = cursor.location();
    let name = cursor.name("output mode")?;
    name.parse().map_err(|error: Error| at(here, &error.to_string()))
}

fn trigger(cursor: &mut Cursor<'_>) -> Result<Trigger> {
    if cursor.eat(&["ONCE"]) {
        Ok(Trigger::Once)
    } else if cursor.eat(&["AVAILABLE", "NOW"]) {
        Ok(Trigger::AvailableNow)
    } else if cursor.eat(&["PROCESSING", "TIME"]) {
        Ok(Trigger::ProcessingTime(duration(cursor)?))
    } else if cursor.eat(&["CONTINUOUS"]) {
        Ok(Trigger::Continuous(duration(cursor)?))
    } else {
        Err(cursor.unexpected(
            "PROCESSING TIME '<interval>', ONCE, AVAILABLE NOW or CONTINUOUS '<interval>'",
        ))
    }
}

fn duration(cursor: &mut Cursor<'_>) -> Result<Duration> {
    let here = cursor.location();
    let interval = match find_interval(cursor.rest())? {
        Some(found) => {
            cursor.skip(found.length);
            found.value
        }
        None => {
            let text = cursor.string("an interval in quotes, such as '10 seconds'")?;
            parse_interval(text).map_err(|error| at(here, &error.to_string()))?
        }
    };
    match u64::try_from(interval.micros) {
        Ok(micros) if interval.months == 0 => Ok(Duration::from_micros(micros)),
        _ => Err(at(
            here,
            "the interval of a trigger must not be negative and has no months or years",
        )),
    }
}
