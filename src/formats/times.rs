//! Dates and times in text: by the patterns of the options, or as a cast reads them.

use crate::error::Result;
use crate::event_time::text;
use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::{Pattern, Use, compile};

/// How dates and times are written in the text of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeFormats {
    date: Option<Pattern>,
    timestamp: Option<Pattern>,
    timestamp_ntz: Option<Pattern>,
    /// Whether a text that its pattern does not fit is read as a cast does.
    pub fallback: bool,
    /// The zone of times that name none; that of the session when it is not given.
    pub zone: Option<TimeZone>,
}

impl TimeFormats {
    /// Reads dates by this pattern.
    ///
    /// # Errors
    /// `Invalid` for what is no pattern.
    pub fn set_date(&mut self, pattern: &str) -> Result<()> {
        self.date = Some(compile(pattern, Use::Parse)?);
        Ok(())
    }

    /// Reads points in time by this pattern.
    ///
    /// # Errors
    /// `Invalid` for what is no pattern.
    pub fn set_timestamp(&mut self, pattern: &str) -> Result<()> {
        self.timestamp = Some(compile(pattern, Use::Parse)?);
        Ok(())
    }

    /// Reads times on the wall by this pattern.
    ///
    /// # Errors
    /// `Invalid` for what is no pattern.
    pub fn set_timestamp_ntz(&mut self, pattern: &str) -> Result<()> {
        self.timestamp_ntz = Some(compile(pattern, Use::Parse)?);
        Ok(())
    }

    /// A reader; `session` is the zone of the session.
    pub(super) fn reader(&self, session: TimeZone) -> TimeReader<'_> {
        TimeReader { formats: self, zone: self.zone.unwrap_or(session) }
    }

    /// Whether a text is a date by its pattern or, without one, in the one form that tells it
    /// from other text.
    pub(super) fn is_date(&self, text: &str) -> bool {
        match &self.date {
            Some(pattern) => pattern.parse_date(text).is_some(),
            None => {
                let is_plain = text.len() == 10
                    && text.bytes().enumerate().all(|(at, byte)| match at {
                        4 | 7 => byte == b'-',
                        _ => byte.is_ascii_digit(),
                    });
                is_plain && text::parse_date(text).is_some()
            }
        }
    }
}

/// Reads dates and times; what is none gives `None`.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeReader<'a> {
    formats: &'a TimeFormats,
    zone: TimeZone,
}

impl TimeReader<'_> {
    /// Days since 1970.
    pub(super) fn date(&self, text: &str) -> Option<i32> {
        self.read(self.formats.date.as_ref(), text, Pattern::parse_date, text::parse_date)
    }

    /// Microseconds since 1970 in UTC.
    pub(super) fn timestamp(&self, text: &str) -> Option<i64> {
        self.read(
            self.formats.timestamp.as_ref(),
            text,
            |pattern, text| pattern.parse_timestamp(text, self.zone),
            |text| text::parse_timestamp(text, self.zone),
        )
    }

    /// Microseconds since 1970 on the clock on the wall; a zone in the text is refused.
    pub(super) fn timestamp_ntz(&self, text: &str) -> Option<i64> {
        self.read(
            self.formats.timestamp_ntz.as_ref(),
            text,
            Pattern::parse_wall_clock,
            text::parse_wall_clock,
        )
    }

    fn read<T>(
        &self,
        pattern: Option<&Pattern>,
        text: &str,
        by_pattern: impl Fn(&Pattern, &str) -> Option<T>,
        plain: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        if let Some(pattern) = pattern {
            let read = by_pattern(pattern, text);
            if read.is_some() || !self.formats.fallback {
                return read;
            }
        }
        // A word that a cast knows is no date in a file.
        if text.trim().eq_ignore_ascii_case("epoch") { None } else { plain(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_strict_unless_it_falls_back() {
        let mut formats = TimeFormats::default();
        formats.set_date("dd/MM/yyyy").unwrap();
        let days = |formats: &TimeFormats, text| formats.reader(TimeZone::UTC).date(text);
        assert_eq!(days(&formats, "02/01/1970"), Some(1));
        assert_eq!(days(&formats, "1970-01-02"), None);
        formats.fallback = true;
        assert_eq!(days(&formats, "1970-01-02"), Some(1));
        assert!(formats.set_timestamp("yyyy-bb").is_err());
    }

    #[test]
    fn zones_are_those_of_the_text_then_of_the_option_then_of_the_session() {
        let mut formats = TimeFormats::default();
        let session = TimeZone::parse("+02:00").unwrap();
        let hours = |formats: &TimeFormats, text| {
            formats.reader(session).timestamp(text).map(|micros| micros / 3_600_000_000)
        };
        assert_eq!(hours(&formats, "1970-01-01 03:00:00"), Some(1));
        assert_eq!(hours(&formats, "1970-01-01T03:00:00Z"), Some(3));
        formats.zone = Some(TimeZone::UTC);
        assert_eq!(hours(&formats, "1970-01-01 03:00:00"), Some(3));
        assert_eq!(hours(&formats, "epoch"), None);
        assert_eq!(formats.reader(session).timestamp_ntz("1970-01-01 00:00:01Z"), None);
        assert_eq!(formats.reader(session).timestamp_ntz("1970-01-01 00:00:01"), Some(1_000_000));
    }

    #[test]
    fn only_one_form_tells_a_date_from_other_text() {
        let formats = TimeFormats::default();
        assert!(formats.is_date("2024-02-29"));
        for text in ["2024-02-30", "2024-2-3", "2024", "2024-01-01 ", "20240101"] {
            assert!(!formats.is_date(text), "{text}");
        }
    }
}
