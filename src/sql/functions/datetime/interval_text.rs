//! Text as intervals, in the forms that casts show them in.

use arrow::datatypes::IntervalMonthDayNano;

use crate::event_time::calendar::MICROS_PER_DAY;
use crate::event_time::interval::parse_interval;

/// What stands between the quotes of `INTERVAL '..' DAY TO SECOND`, or all of a text without them.
fn inside<'t>(text: &'t str, units: &str) -> Option<(bool, &'t str)> {
    let text = text.trim();
    let Some(rest) = strip_word(text, "INTERVAL") else { return Some((false, text)) };
    let (negative, rest) = match rest.trim_start().strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest.trim_start()),
    };
    let (value, behind) = rest.strip_prefix('\'')?.split_once('\'')?;
    behind.trim().eq_ignore_ascii_case(units).then_some((negative, value.trim()))
}

fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// `INTERVAL '3' HOUR`: a number of one of these units.
fn of_one_unit(text: &str, units: &[(&str, i64)]) -> Option<i64> {
    strip_word(text.trim(), "INTERVAL")?;
    units.iter().find_map(|(name, unit)| {
        let (outer, value) = inside(text, name)?;
        let (negative, value) = signed(value);
        let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
        let fraction = match fraction {
            "" => 0,
            digits if *name == "SECOND" => micros_of(digits)?,
            _ => return None,
        };
        let value = number(whole)?.checked_mul(*unit)?.checked_add(fraction)?;
        Some(if negative == outer { value } else { -value })
    })
}

/// The digits behind the point of seconds.
fn micros_of(digits: &str) -> Option<i64> {
    if digits.len() > 9 {
        return None;
    }
    Some(number(digits)? * 10_i64.pow(9 - digits.len() as u32) / 1_000)
}

/// `1 02:03:04.5` in microseconds.
pub(super) fn day_time(text: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 4] = [
        ("DAY", MICROS_PER_DAY),
        ("HOUR", 3_600_000_000),
        ("MINUTE", 60_000_000),
        ("SECOND", 1_000_000),
    ];
    if let Some(micros) = of_one_unit(text, &UNITS) {
        return Some(micros);
    }
    let (outer, text) = inside(text, "DAY TO SECOND")?;
    let (negative, text) = signed(text);
    let (days, clock) = text.split_once(' ')?;
    let mut parts = clock.trim().splitn(3, ':');
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let (seconds, fraction) = parts.next().map(|s| s.split_once('.').unwrap_or((s, "")))?;
    let seconds = number(seconds)?;
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let fraction = if fraction.is_empty() { 0 } else { micros_of(fraction)? };
    let of_day = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + fraction;
    let micros = number(days)?.checked_mul(MICROS_PER_DAY)?.checked_add(of_day)?;
    Some(if negative == outer { micros } else { -micros })
}

/// `1-2` in months.
pub(super) fn year_month(text: &str) -> Option<i64> {
    if let Some(months) = of_one_unit(text, &[("YEAR", 12), ("MONTH", 1)]) {
        return Some(months);
    }
    let (outer, text) = inside(text, "YEAR TO MONTH")?;
    let (negative, text) = signed(text);
    let (years, months) = text.split_once('-')?;
    let months = number(months).filter(|months| *months < 12)?;
    let months = number(years)?.checked_mul(12)?.checked_add(months)?;
    Some(if negative == outer { months } else { -months })
}

/// `1 month 2 days`.
pub(super) fn calendar(text: &str) -> Option<IntervalMonthDayNano> {
    let interval = parse_interval(text).ok()?;
    let (days, micros) = (interval.micros / MICROS_PER_DAY, interval.micros % MICROS_PER_DAY);
    Some(IntervalMonthDayNano {
        months: i32::try_from(interval.months).ok()?,
        days: i32::try_from(days).ok()?,
        nanoseconds: micros.checked_mul(1_000)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_they_are_shown() {
        let all = ((24 + 2) * 60 + 3) * 60_000_000 + 4_500_000;
        assert_eq!(day_time("1 02:03:04.5"), Some(all));
        assert_eq!(day_time("-1 02:03:04.5"), Some(-all));
        assert_eq!(day_time("interval -'-1 02:03:04.5' day to second"), Some(all));
        assert_eq!(year_month("INTERVAL '1-2' YEAR TO MONTH"), Some(14));
        assert_eq!(year_month("-0-3"), Some(-3));
        assert_eq!(day_time("INTERVAL '-3' hour"), Some(-10_800_000_000));
        assert_eq!(day_time("INTERVAL '1.5' SECOND"), Some(1_500_000));
        assert_eq!(year_month("INTERVAL -'3' YEAR"), Some(-36));
        assert_eq!(calendar("1 month 2 days").map(|i| (i.months, i.days)), Some((1, 2)));
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in ["", "1", "1 24:00:00", "1 02:03", "x 02:03:04", "INTERVAL '1 02:03:04' DAY"] {
            assert_eq!(day_time(text), None, "{text}");
        }
        for text in ["1", "1-12", "-", "1-2-3"] {
            assert_eq!(year_month(text), None, "{text}");
        }
    }
}
