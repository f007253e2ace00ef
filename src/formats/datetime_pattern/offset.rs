//! Offsets from UTC in patterns: `+02`, `+0200`, `+02:00`, `Z`.

use std::fmt::Write;

/// Which parts of an offset stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetStyle {
    /// Hours, and minutes where there are some.
    Hours,
    /// Hours and minutes.
    Minutes,
    /// Hours and minutes with a colon.
    ColonMinutes,
    /// Hours and minutes, and seconds where there are some.
    Seconds,
    /// The same with colons.
    ColonSeconds,
}

/// How no offset at all is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// As `Z`.
    Letter,
    /// In digits.
    Digits,
}

impl OffsetStyle {
    const fn has_colon(self) -> bool {
        matches!(self, Self::ColonMinutes | Self::ColonSeconds)
    }
}

/// Appends an offset.
pub(super) fn write(out: &mut String, seconds: i32, style: OffsetStyle, zero: Zero) {
    if seconds == 0 && zero == Zero::Letter {
        out.push('Z');
        return;
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let total = seconds.abs();
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
    let colon = if style.has_colon() { ":" } else { "" };
    // Writing to a string cannot fail.
    let _ = write!(out, "{sign}{hours:02}");
    if style != OffsetStyle::Hours || minutes != 0 {
        let _ = write!(out, "{colon}{minutes:02}");
    }
    if matches!(style, OffsetStyle::Seconds | OffsetStyle::ColonSeconds) && rest != 0 {
        let _ = write!(out, "{colon}{rest:02}");
    }
}

/// Reads an offset at the start of a text, and what follows.
pub(super) fn read(text: &str, style: OffsetStyle, zero: Zero) -> Option<(i32, &str)> {
    if zero == Zero::Letter
        && let Some(rest) = text.strip_prefix(['Z', 'z'])
    {
        return Some((0, rest));
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, rest) = two_digits(rest)?;
    let more = |rest| part(rest, style.has_colon());
    let (minutes, rest) = match more(rest) {
        Some(found) => found,
        None if style == OffsetStyle::Hours => (0, rest),
        None => return None,
    };
    let (seconds, rest) = match style {
        OffsetStyle::Seconds | OffsetStyle::ColonSeconds => more(rest).unwrap_or((0, rest)),
        OffsetStyle::Hours | OffsetStyle::Minutes | OffsetStyle::ColonMinutes => (0, rest),
    };
    let total = hours * 3600 + minutes * 60 + seconds;
    let in_range = minutes < 60 && seconds < 60 && total <= 18 * 3600;
    in_range.then_some((sign * total, rest))
}

/// Appends an offset behind `GMT`.
pub(super) fn write_gmt(out: &mut String, seconds: i32, full: bool) {
    out.push_str("GMT");
    if seconds == 0 {
        return;
    }
    if full {
        return write(out, seconds, OffsetStyle::ColonSeconds, Zero::Digits);
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let total = seconds.abs();
    let _ = write!(out, "{sign}{}", total / 3600);
    if total % 3600 != 0 {
        let _ = write!(out, ":{:02}", total / 60 % 60);
    }
    if total % 60 != 0 {
        let _ = write!(out, ":{:02}", total % 60);
    }
}

/// Reads an offset behind `GMT`.
pub(super) fn read_gmt(text: &str, full: bool) -> Option<(i32, &str)> {
    let rest = text.strip_prefix("GMT")?;
    if full {
        return Some(read(rest, OffsetStyle::ColonSeconds, Zero::Digits).unwrap_or((0, rest)));
    }
    let (sign, digits) = match rest.as_bytes().first() {
        Some(b'+') => (1, &rest[1..]),
        Some(b'-') => (-1, &rest[1..]),
        _ => return Some((0, rest)),
    };
    let (hours, rest) = match two_digits(digits) {
        Some(found) => found,
        None => (digits.chars().next()?.to_digit(10)? as i32, &digits[1..]),
    };
    let (minutes, rest) = part(rest, true).unwrap_or((0, rest));
    let total = hours * 3600 + minutes * 60;
    (minutes < 60 && total <= 18 * 3600).then_some((sign * total, rest))
}

fn part(text: &str, colon: bool) -> Option<(i32, &str)> {
    two_digits(if colon { text.strip_prefix(':')? } else { text })
}

fn two_digits(text: &str) -> Option<(i32, &str)> {
    let digits = text.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    Some((digits.parse().ok()?, &text[2..]))
}
