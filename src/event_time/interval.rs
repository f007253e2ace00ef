//! Interval text: `10 minutes`, `interval 1 day`, `1 minute 30 seconds`, `-5 seconds`.

use crate::error::{Error, Result};

/// A parsed interval text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval {
    /// Whole months; a year has twelve.
    pub months: i64,
    /// The rest, in microseconds; a day has 24 hours.
    pub micros: i64,
}

/// Reads an interval text as Spark does: pairs of a number and a unit, each with its own sign.
///
/// The text may begin with the word `interval`; seconds and larger units may have a fraction.
///
/// # Errors
/// `Invalid` for an empty text, a bare number, an unknown unit, or a value out of range.
///
/// ```
/// # use millstream::event_time::parse_interval;
/// assert_eq!(parse_interval("1 minute 30 seconds")?.micros, 90_000_000);
/// assert!(parse_interval("5").is_err());
/// # Ok::<(), millstream::Error>(())
/// ```
pub fn parse_interval(text: &str) -> Result<Interval> {
    let bad = |why: &str| {
        Error::invalid(format!(
            "cannot read the interval `{text}`: {why}; write a number and a unit, such as `10 minutes`"
        ))
    };
    let lower = text.trim().to_ascii_lowercase();
    let words = spread(lower.strip_prefix("interval").unwrap_or(&lower));
    let mut words = words.split_whitespace();
    let mut interval = Interval::default();
    let mut any = false;
    while let Some(number) = words.next() {
        let negative_apart = number == "-";
        let number = if matches!(number, "-" | "+") {
            words.next().ok_or_else(|| bad("a sign without a number"))?
        } else {
            number
        };
        let unit = words.next().ok_or_else(|| bad("a number without a unit"))?;
        let scale = if negative_apart { -1 } else { 1 };
        add(&mut interval, number, unit, scale).map_err(|why| bad(&why))?;
        any = true;
    }
    if any { Ok(interval) } else { Err(bad("it is empty")) }
}

/// Puts a blank between a number and a unit that stand together, as in `10s`.
fn spread(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut last = ' ';
    for c in text.chars() {
        if c.is_ascii_alphabetic() && (last.is_ascii_digit() || last == '.') {
            out.push(' ');
        }
        out.push(c);
        last = c;
    }
    out
}

const MICROS_PER_SECOND: i64 = 1_000_000;

fn add(interval: &mut Interval, number: &str, unit: &str, sign: i64) -> Result<(), String> {
    let overflow = || format!("`{number} {unit}` is out of range");
    let months = match unit.trim_end_matches('s') {
        "year" => Some(12),
        "month" => Some(1),
        _ => None,
    };
    if let Some(months) = months {
        let count: i64 =
            number.parse().map_err(|_e| format!("`{number}` is not a whole number"))?;
        let months = count.checked_mul(months * sign).ok_or_else(overflow)?;
        interval.months = interval.months.checked_add(months).ok_or_else(overflow)?;
        return Ok(());
    }
    let unit_micros = match unit.trim_end_matches('s') {
        "week" => 7 * 86_400 * MICROS_PER_SECOND,
        "day" => 86_400 * MICROS_PER_SECOND,
        "hour" => 3_600 * MICROS_PER_SECOND,
        "minute" => 60 * MICROS_PER_SECOND,
        "second" => MICROS_PER_SECOND,
        "millisecond" => 1_000,
        "microsecond" => 1,
        _ => return Err(format!("there is no unit `{unit}`")),
    };
    let micros = scaled(number, unit_micros)?.checked_mul(sign).ok_or_else(overflow)?;
    interval.micros = interval.micros.checked_add(micros).ok_or_else(overflow)?;
    Ok(())
}

/// `number` times `unit` in microseconds, exactly; a fraction is allowed for seconds only.
fn scaled(number: &str, unit: i64) -> Result<i64, String> {
    let not_a_number = || format!("`{number}` is not a number");
    let overflow = || format!("`{number}` is out of range");
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        || digits.len() <= digits.contains('.') as usize
    {
        return Err(not_a_number());
    }
    if !fraction.is_empty() && unit != MICROS_PER_SECOND {
        return Err(format!("`{number}` has a fraction, which only seconds may have"));
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_e| overflow())? };
    let mut micros = whole.checked_mul(unit).ok_or_else(overflow)?;
    let mut place = unit / 10;
    for digit in fraction.bytes().take(6) {
        micros = micros.checked_add(i64::from(digit - b'0') * place).ok_or_else(overflow)?;
        place /= 10;
    }
    Ok(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_with_their_signs() {
        let at = |text: &str| parse_interval(text).unwrap();
        assert_eq!(at("10 minutes -20 seconds").micros, 580 * MICROS_PER_SECOND);
        assert_eq!(at("interval 1 day").micros, 86_400 * MICROS_PER_SECOND);
        assert_eq!(at("1.5 seconds").micros, 1_500_000);
        assert_eq!(at("1 year 1 month").months, 13);
        assert_eq!(at("1 week").micros, 7 * 86_400 * MICROS_PER_SECOND);
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in ["", "5", "0", "soon", "1 parsec", "interval", "x minutes", "1.5 days"] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
    }
}
