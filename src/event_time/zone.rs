//! Time zones: where the clock on the wall stands at a point in time, and back.
//!
//! Names are those that Spark takes: `Europe/Oslo`, `+02:00`, `-8`, `UTC+1`, `Z`, `PST`. A time
//! that a change of the clock skips moves on by what was skipped; of one that comes twice the
//! first counts.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone as _};

use crate::error::{Error, Result};
use crate::event_time::calendar::MICROS_PER_SECOND;

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TimeZone(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Kind {
    #[default]
    Utc,
    /// Seconds east of Greenwich.
    Fixed(i32),
    Region(chrono_tz::Tz),
}

/// The names of three letters that Java still knows, and what they stand for.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "-05:00"),
    ("HST", "-10:00"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "-07:00"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

impl TimeZone {
    /// UTC.
    pub const UTC: Self = Self(Kind::Utc);

    /// A zone so many seconds east of Greenwich.
    pub const fn fixed(seconds: i32) -> Self {
        Self(if seconds == 0 { Kind::Utc } else { Kind::Fixed(seconds) })
    }

    /// A zone by its name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        let name = name.trim();
        if matches!(name, "UTC" | "Z" | "GMT" | "Etc/UTC") {
            return Some(Self::UTC);
        }
        if let Some((_, long)) = SHORT_NAMES.iter().find(|(short, _)| *short == name) {
            return Self::find(long);
        }
        if let Some(seconds) = offset_seconds(name) {
            return Some(Self::fixed(seconds));
        }
        chrono_tz::Tz::from_str(name).ok().map(|zone| Self(Kind::Region(zone)))
    }

    /// A zone by its name.
    ///
    /// # Errors
    /// `Invalid` for a name that no zone has.
    pub fn parse(name: &str) -> Result<Self> {
        Self::find(name).ok_or_else(|| {
            Error::invalid(format!(
                "there is no time zone `{name}`; use a name such as `Europe/Oslo` or an offset \
                 such as `+02:00`"
            ))
        })
    }

    /// How many seconds the clock on the wall is ahead of UTC at a point in time.
    pub fn offset_seconds(self, utc_micros: i64) -> i32 {
        match self.0 {
            Kind::Utc => 0,
            Kind::Fixed(seconds) => seconds,
            Kind::Region(zone) => {
                zone.offset_from_utc_datetime(&clamped(utc_micros)).fix().local_minus_utc()
            }
        }
    }

    /// What the clock on the wall shows at a point in time, in microseconds.
    pub fn to_local(self, utc_micros: i64) -> i64 {
        let offset = i64::from(self.offset_seconds(utc_micros));
        utc_micros.saturating_add(offset * MICROS_PER_SECOND)
    }

    /// The point in time at which the clock on the wall shows this.
    pub fn to_utc(self, local_micros: i64) -> i64 {
        let offset = match self.0 {
            Kind::Utc => 0,
            Kind::Fixed(seconds) => seconds,
            Kind::Region(zone) => {
                use chrono::LocalResult::{Ambiguous, None, Single};
                match zone.offset_from_local_datetime(&clamped(local_micros)) {
                    Single(offset) | Ambiguous(offset, _) => offset.fix().local_minus_utc(),
                    // The clock skipped this; what it showed before the change still counts.
                    None => {
                        const DAY: i64 = 86_400 * MICROS_PER_SECOND;
                        self.offset_seconds(local_micros.saturating_sub(DAY))
                    }
                }
            }
        };
        local_micros.saturating_sub(i64::from(offset) * MICROS_PER_SECOND)
    }

    /// The name of the zone: of a region, or the offset as `+02:00`.
    pub fn name(self) -> String {
        match self.0 {
            Kind::Utc => "UTC".to_owned(),
            Kind::Fixed(seconds) => offset_text(seconds),
            Kind::Region(zone) => zone.name().to_owned(),
        }
    }

    /// What the zone is called for short at a point in time, such as `CET`.
    pub fn short_name(self, utc_micros: i64) -> String {
        match self.0 {
            Kind::Region(zone) => zone.offset_from_utc_datetime(&clamped(utc_micros)).to_string(),
            Kind::Utc | Kind::Fixed(_) => self.name(),
        }
    }
}

/// A date and time of chrono's, at the edge of its range for one beyond it.
fn clamped(micros: i64) -> NaiveDateTime {
    DateTime::from_timestamp_micros(micros)
        .map_or(if micros < 0 { NaiveDateTime::MIN } else { NaiveDateTime::MAX }, |time| {
            time.naive_utc()
        })
}

/// `+02:00`, with seconds where there are some.
fn offset_text(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    match seconds.abs() % 60 {
        0 => format!("{sign}{hours:02}:{minutes:02}"),
        rest => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// The offset of a zone that is written as one, at most 18 hours: `+1`, `-08`, `+0530`, `UTC+1`.
fn offset_seconds(zone: &str) -> Option<i32> {
    let tail = ["UTC", "GMT", "UT"].iter().find_map(|name| zone.strip_prefix(name)).unwrap_or(zone);
    let (sign, unsigned) = match tail.as_bytes().first()? {
        b'+' => (1, &tail[1..]),
        b'-' => (-1, &tail[1..]),
        _ => return None,
    };
    let number = |text: &str, lengths: std::ops::RangeInclusive<usize>| -> Option<i32> {
        let is_number =
            lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { text.parse().ok() } else { None }
    };
    let (hours, minutes, seconds) = if unsigned.contains(':') {
        let mut parts = unsigned.splitn(3, ':').map(|part| number(part, 1..=2));
        (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?)
    } else {
        let two = |from: usize| number(unsigned.get(from..from + 2)?, 2..=2);
        match unsigned.len() {
            1 | 2 => (number(unsigned, 1..=2)?, 0, 0),
            4 => (two(0)?, two(2)?, 0),
            6 => (two(0)?, two(2)?, two(4)?),
            _ => return None,
        }
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    let in_range = minutes < 60 && seconds < 60 && total <= 18 * 3600;
    in_range.then_some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;
    /// 2024-03-10 02:30, which New York skipped.
    const SKIPPED: i64 = 1_710_037_800_000_000;
    /// 2024-11-03 01:30, which New York had twice.
    const TWICE: i64 = 1_730_597_400_000_000;

    #[test]
    fn a_zone_has_many_names() {
        for (name, hours) in
            [("Z", 0), ("UTC", 0), ("+2", 2), ("-0800", -8), ("GMT+1", 1), ("JST", 9), ("EST", -5)]
        {
            assert_eq!(TimeZone::parse(name).unwrap().to_local(0), hours * HOUR, "{name}");
        }
        assert_eq!(TimeZone::parse("+05:30").unwrap().name(), "+05:30");
        for name in ["", "Nowhere/City", "+19:00", "+1:2:3:4", "+\u{e9}1", "UTC+"] {
            assert!(TimeZone::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_skipped_time_moves_on_and_of_two_the_first_counts() {
        let zone = TimeZone::parse("America/New_York").unwrap();
        assert_eq!(zone.to_local(zone.to_utc(SKIPPED)), SKIPPED + HOUR);
        assert_eq!(zone.to_utc(TWICE), TWICE + 4 * HOUR);
        assert_eq!(zone.short_name(zone.to_utc(TWICE)), "EDT");
    }

    #[test]
    fn times_beyond_the_calendar_do_not_panic() {
        let zone = TimeZone::parse("Europe/Oslo").unwrap();
        for micros in [i64::MIN, i64::MAX] {
            zone.to_local(micros);
            zone.to_utc(micros);
        }
    }
}
