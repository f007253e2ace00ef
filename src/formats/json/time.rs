//! Dates and timestamps in JSON text, with the liberties that Spark takes.
//!
//! ```text
//! date        y[yyyyy]-[m]m-[d]d, the parts after the year may be left out, anything after T or blank
//! timestamp   date[T| ][h]h[:[m]m[:[s]s[.fraction]]] [zone]
//! zone        Z, +hh:mm, -hh, +hhmm, UTC+h, Europe/Berlin
//! ```

use std::str::FromStr;

use arrow::array::timezone::Tz;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};

/// Days since 1970.
pub(super) fn date(text: &str) -> Option<i32> {
    let (date, rest) = calendar_date(text.trim())?;
    if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
        return None;
    }
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// Microseconds since 1970 in UTC; a text without a zone is in UTC.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let (local, zone) = date_time(text.trim())?;
    match zone {
        "" | "Z" => Some(local.and_utc().timestamp_micros()),
        _ => match offset_seconds(zone) {
            Some(offset) => local
                .and_utc()
                .timestamp_micros()
                .checked_sub(i64::from(offset).checked_mul(1_000_000)?),
            None if !zone.starts_with(|c: char| c.is_ascii_alphabetic()) => None,
            None => {
                let zone = Tz::from_str(zone).ok()?;
                let time: DateTime<Tz> = zone.from_local_datetime(&local).earliest()?;
                Some(time.timestamp_micros())
            }
        },
    }
}

/// Microseconds since 1970 on the clock on the wall; a zone is refused.
pub(super) fn timestamp_ntz(text: &str) -> Option<i64> {
    match date_time(text.trim())? {
        (local, "") => Some(local.and_utc().timestamp_micros()),
        _ => None,
    }
}

fn date_time(text: &str) -> Option<(NaiveDateTime, &str)> {
    let (date, rest) = calendar_date(text)?;
    if rest.is_empty() {
        return Some((date.and_time(NaiveTime::MIN), ""));
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (hour, rest) = digits(rest, 1..=2)?;
    let (minute, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1..=2)?,
        None => (0, rest),
    };
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1..=2)?,
        None => (0, rest),
    };
    let (micros, rest) = match rest.strip_prefix('.') {
        Some(rest) => fraction(rest),
        None => (0, rest),
    };
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
    Some((date.and_time(time), rest.trim()))
}

/// A date at the start of the text, and what follows.
fn calendar_date(text: &str) -> Option<(NaiveDate, &str)> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (year, rest) = digits(unsigned, 4..=6)?;
    let (month, rest) = match rest.strip_prefix('-') {
        Some(rest) => digits(rest, 1..=2)?,
        None => return Some((day_of(negative, year, 1, 1)?, rest)),
    };
    let (day, rest) = match rest.strip_prefix('-') {
        Some(rest) => digits(rest, 1..=2)?,
        None => (1, rest),
    };
    Some((day_of(negative, year, month, day)?, rest))
}

fn day_of(negative: bool, year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    let year = i32::try_from(year).ok()?;
    NaiveDate::from_ymd_opt(if negative { -year } else { year }, month, day)
}

/// A number of so many digits at the start of the text, and what follows.
fn digits(text: &str, count: std::ops::RangeInclusive<usize>) -> Option<(u32, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if !count.contains(&end) {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Microseconds from digits after the point, more than six cut off, and what follows.
fn fraction(text: &str) -> (u32, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let mut micros = 0;
    for place in 0..6 {
        let digit = text.as_bytes()[..end].get(place).map_or(0, |byte| u32::from(byte - b'0'));
        micros = micros * 10 + digit;
    }
    (micros, &text[end..])
}

/// The offset of a zone that is written as one, at most 18 hours.
fn offset_seconds(zone: &str) -> Option<i32> {
    let tail = ["UTC", "GMT", "UT"].iter().find_map(|name| zone.strip_prefix(name)).unwrap_or(zone);
    if tail.is_empty() {
        return Some(0);
    }
    let (sign, unsigned) = match tail.as_bytes().first()? {
        b'+' => (1, &tail[1..]),
        b'-' => (-1, &tail[1..]),
        _ => return None,
    };
    let (hours, minutes, seconds) = if unsigned.contains(':') {
        let mut parts = unsigned.splitn(3, ':').map(|part| match digits(part, 1..=2)? {
            (number, "") => Some(number),
            _ => None,
        });
        (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?)
    } else {
        let at = |from: usize, to: usize| unsigned.get(from..to)?.parse::<u32>().ok();
        match (unsigned.len(), unsigned.bytes().all(|byte| byte.is_ascii_digit())) {
            (1 | 2, true) => (unsigned.parse().ok()?, 0, 0),
            (4, true) => (at(0, 2)?, at(2, 4)?, 0),
            (6, true) => (at(0, 2)?, at(2, 4)?, at(4, 6)?),
            _ => return None,
        }
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    let in_range = minutes < 60 && seconds < 60 && total <= 18 * 3600;
    in_range.then_some(sign * i32::try_from(total).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_in_its_zone_or_in_utc() {
        let noon = 1_704_110_400_000_000;
        for text in [
            "2024-01-01T12:00:00Z",
            "2024-01-01 12:00:00",
            "2024-1-1 12:0",
            "2024-01-01T13:00:00+01:00",
            "2024-01-01T13:00:00.000 +1",
            "2024-01-01T04:00:00-0800",
            "2024-01-01T12:00:00.0000009",
            "2024-01-01T12:00:00 UTC",
            "2024-01-01T13:00 GMT+1",
        ] {
            assert_eq!(timestamp(text), Some(noon), "{text}");
        }
        assert_eq!(timestamp("2024-01-01T12:00:00.5Z"), Some(noon + 500_000));
        assert_eq!(timestamp("2024"), Some(noon - 12 * 3_600_000_000));
        assert_eq!(timestamp("1969-12-31T23:59:59.999999Z"), Some(-1));
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        for text in [
            "",
            "now",
            "24-01-01",
            "2024-13-01",
            "2024-02-30",
            "2024-01-01T",
            "2024-01-01T25:00:00",
            "2024-01-01T12:00:00+19:00",
            "2024-01-01T12:00:00 Nowhere/City",
            "2024-01-01x",
            "12:00",
            "2024-01-01T12:00:00+aa",
            "2024-01-01T12:00:00+1:2:3:4",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_on_the_wall_has_no_zone() {
        assert_eq!(timestamp_ntz("1970-01-01T00:00:01"), Some(1_000_000));
        assert_eq!(timestamp_ntz("1970-01-01T00:00:01Z"), None);
    }

    #[test]
    fn a_date_ignores_a_time_of_day() {
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(date("1970-01-02T10:00:00"), Some(1));
        assert_eq!(date("1969-12"), Some(-31));
        assert_eq!(date("1970-01-02x"), None);
        assert_eq!(date("soon"), None);
    }
}
