//! Dates and timestamps as text in the form that a cast reads and writes.
//!
//! ```text
//! date        [+-]y[yyyyy][-[m]m[-[d]d]], anything after a blank or T
//! timestamp   date[T| ][h]h[:[m]m[:[s]s[.fraction][zone]]]
//! ```

use crate::event_time::calendar::{Date, MICROS_PER_DAY, join_day};
use crate::event_time::zone::TimeZone;

/// Days since 1970.
pub fn parse_date(text: &str) -> Option<i32> {
    let text = trimmed(text);
    if text.eq_ignore_ascii_case("epoch") {
        return Some(0);
    }
    let (date, rest) = calendar_date(text)?;
    let is_end = rest.is_empty() || rest.starts_with(['T', ' ']);
    if is_end { i32::try_from(date.to_days()).ok() } else { None }
}

/// Microseconds since 1970 in UTC; a text without a zone is in `zone`.
pub fn parse_timestamp(text: &str, zone: TimeZone) -> Option<i64> {
    let text = trimmed(text);
    if text.eq_ignore_ascii_case("epoch") {
        return Some(0);
    }
    let (local, named) = date_time(text)?;
    let zone = if named.is_empty() { zone } else { TimeZone::find(named)? };
    Some(zone.to_utc(local))
}

/// Microseconds since 1970 on the clock on the wall; a zone has no effect.
pub fn parse_timestamp_ntz(text: &str) -> Option<i64> {
    let text = trimmed(text);
    if text.eq_ignore_ascii_case("epoch") {
        return Some(0);
    }
    let (local, named) = date_time(text)?;
    (named.is_empty() || TimeZone::find(named).is_some()).then_some(local)
}

/// Microseconds since 1970 on the clock on the wall; a text with a zone is none.
pub fn parse_wall_clock(text: &str) -> Option<i64> {
    let (local, named) = date_time(trimmed(text))?;
    named.is_empty().then_some(local)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_control() || c == ' ')
}

/// What the clock on the wall shows, and the name of the zone if there is one.
fn date_time(text: &str) -> Option<(i64, &str)> {
    let (date, rest) = calendar_date(text)?;
    if rest.is_empty() {
        return Some((join_day(date.to_days(), 0)?, ""));
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (hour, rest) = digits(rest, 1, 2)?;
    let (minute, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1, 2)?,
        None if rest.is_empty() => (0, rest),
        None => return None,
    };
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 1, 2)?,
        None if rest.is_empty() => (0, rest),
        None => return None,
    };
    let (micros, rest) = match rest.strip_prefix('.') {
        Some(rest) => fraction(rest),
        None => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros_of_day = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
    debug_assert!(micros_of_day < MICROS_PER_DAY);
    Some((join_day(date.to_days(), micros_of_day)?, rest.trim()))
}

/// A date at the start of the text, and what follows. Behind a year or a month alone nothing may.
fn calendar_date(text: &str) -> Option<(Date, &str)> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (year, rest) = digits(unsigned, 4, 6)?;
    let year = if negative { -year } else { year };
    let (month, rest) = match rest.strip_prefix('-') {
        Some(rest) => digits(rest, 1, 2)?,
        None if rest.is_empty() => (1, rest),
        None => return None,
    };
    let (day, rest) = match rest.strip_prefix('-') {
        Some(rest) => digits(rest, 1, 2)?,
        None if rest.is_empty() => (1, rest),
        None => return None,
    };
    let date = Date::new(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
    Some((date, rest))
}

/// A number of so many digits at the start of the text, and what follows.
fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(least..=most).contains(&end) {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Microseconds from digits after the point, more than six cut off, and what follows.
fn fraction(text: &str) -> (i64, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let digit = |place: usize| text.as_bytes()[..end].get(place).map_or(0, |b| i64::from(b - b'0'));
    ((0..6).fold(0, |micros, place| micros * 10 + digit(place)), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_704_110_400_000_000;

    #[test]
    fn a_timestamp_is_read_in_its_zone_or_in_the_given_one() {
        for text in [
            "2024-01-01T12:00:00Z",
            "2024-01-01 12",
            "2024-1-1 12:0",
            " 2024-01-01T13:00:00+01:00\n",
            "2024-01-01T13:00:00.000 +1",
            "2024-01-01T12:00:00.",
            "2024-01-01T12:00:00.0000009",
            "2024-01-01 13:00:00 Europe/Berlin",
            "2024-01-01 04:00:00 PST",
        ] {
            assert_eq!(parse_timestamp(text, TimeZone::UTC), Some(NOON), "{text}");
        }
        let berlin = TimeZone::parse("Europe/Berlin").unwrap();
        assert_eq!(parse_timestamp("2024-01-01 13:00:00", berlin), Some(NOON));
        assert_eq!(parse_timestamp_ntz("2024-01-01 12:00:00 Europe/Berlin"), Some(NOON));
        assert_eq!(parse_timestamp("1969-12-31T23:59:59.999999Z", berlin), Some(-1));
        assert_eq!(parse_timestamp("epoch", berlin), Some(0));
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        for text in [
            "",
            "24-01-01",
            "2024-13-01",
            "2024-02-30",
            "2024-01-01T",
            "2024-01-01T25:00:00",
            "2024-01-01T12:00Z",
            "2024-01-01T12:00:00+",
            "2024-01-01T12:00:00 Nowhere/City",
            "2024-01-01x",
            "12:00",
            "2024-01-01T12:00:00+19:00",
        ] {
            assert_eq!(parse_timestamp(text, TimeZone::UTC), None, "{text}");
        }
    }

    #[test]
    fn a_date_ignores_a_time_of_day() {
        assert_eq!(parse_date("1970-01-02"), Some(1));
        assert_eq!(parse_date("1970-1-2 "), Some(1));
        assert_eq!(parse_date("1970-01-02T"), Some(1));
        assert_eq!(parse_date("1970-01-02 xx"), Some(1));
        assert_eq!(parse_date("1969-12"), Some(-31));
        assert_eq!(parse_date("1970-01-02x"), None);
        assert_eq!(parse_date("2023-02-29"), None);
    }
}
