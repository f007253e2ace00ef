//! A compiled pattern and what can be done with it.

use crate::error::Result;
use crate::event_time::calendar::{MICROS_PER_DAY, split_day};
use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::compile::{self, Item};
use crate::formats::datetime_pattern::format;
use crate::formats::datetime_pattern::parse::{self, Parsed};

/// What a pattern is for: some letters can be written and not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// To read text.
    Parse,
    /// To write text.
    Format,
}

/// A pattern that was compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    items: Vec<Item>,
}

/// Compiles a pattern.
///
/// # Errors
/// `Invalid` for a letter that means nothing, stands too often, or cannot be used for this.
pub fn compile(pattern: &str, purpose: Use) -> Result<Pattern> {
    Ok(Pattern { items: compile::items(pattern, purpose)? })
}

impl Pattern {
    /// Reads a point in time: microseconds since 1970 in UTC. A text that names no zone is in
    /// `zone`; what the pattern leaves out is the first of its kind, and the year 1970.
    pub fn parse_timestamp(&self, text: &str, zone: TimeZone) -> Option<i64> {
        let parsed = self.parse(text)?;
        let local = local(&parsed)?;
        Some(parsed.zone.unwrap_or(zone).to_utc(local))
    }

    /// Reads what a clock on the wall shows, in microseconds since 1970. A zone in the text is
    /// read and has no effect.
    pub fn parse_timestamp_ntz(&self, text: &str) -> Option<i64> {
        local(&self.parse(text)?)
    }

    /// Reads what a clock on the wall shows; a text with a zone is none.
    pub fn parse_wall_clock(&self, text: &str) -> Option<i64> {
        let parsed = self.parse(text)?;
        if parsed.zone.is_some() { None } else { local(&parsed) }
    }

    /// Reads a date: days since 1970. A time of day in the text is read and has no effect.
    pub fn parse_date(&self, text: &str) -> Option<i32> {
        i32::try_from(self.parse(text)?.days()?).ok()
    }

    /// Appends a point in time as `zone` shows it.
    pub fn format_timestamp(&self, out: &mut String, utc_micros: i64, zone: TimeZone) {
        format::write(out, &self.items, &format::Moment::at(utc_micros, zone));
    }

    /// Appends what a clock on the wall shows; the zone, if the pattern asks for it, is UTC.
    pub fn format_timestamp_ntz(&self, out: &mut String, local_micros: i64) {
        self.format_timestamp(out, local_micros, TimeZone::UTC);
    }

    /// Appends the midnight of a date, given in days since 1970.
    pub fn format_date(&self, out: &mut String, days: i32) {
        self.format_timestamp_ntz(out, i64::from(days).saturating_mul(MICROS_PER_DAY));
    }

    fn parse(&self, text: &str) -> Option<Parsed> {
        let mut parsed = Parsed::default();
        let rest = parse::read(text, &self.items, &mut parsed)?;
        rest.is_empty().then_some(parsed)
    }
}

fn local(parsed: &Parsed) -> Option<i64> {
    let micros = parsed.micros_of_day()?;
    let local = crate::event_time::calendar::join_day(parsed.days()?, micros)?;
    debug_assert_eq!(split_day(local).1, micros);
    Some(local)
}
