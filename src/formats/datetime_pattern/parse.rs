//! Reads text by a pattern.
//!
//! Strictly: every digit and letter that the pattern asks for has to be there, and dates that the
//! calendar does not have are refused. Only the case of letters is free.

use crate::event_time::calendar::{Date, is_leap};
use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::compile::{Field, Item, Number, Sign, TextField};
use crate::formats::datetime_pattern::format::MONTHS;
use crate::formats::datetime_pattern::offset;

/// What a text said.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    year: Option<i64>,
    year_of_era: Option<i64>,
    before_christ: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: Option<i64>,
    half_day_hour: Option<i64>,
    afternoon: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    micros: Option<i64>,
    pub(super) zone: Option<TimeZone>,
}

/// Reads the items at the start of `text`; gives what follows.
pub(super) fn read<'t>(mut text: &'t str, items: &[Item], parsed: &mut Parsed) -> Option<&'t str> {
    for item in items {
        text = match item {
            Item::Literal(literal) => after_word(text, literal)?,
            Item::Number(number) => {
                let (value, rest) = read_number(text, number)?;
                parsed.set(number.field, value)?;
                rest
            }
            Item::Text(field, full) => read_word(text, *field, *full, parsed)?,
            Item::Fraction(digits) => {
                let (micros, rest) = read_fraction(text, *digits)?;
                put(&mut parsed.micros, micros)?;
                rest
            }
            Item::ZoneId | Item::ZoneName => {
                let (zone, rest) = read_zone(text, *item == Item::ZoneName)?;
                parsed.set_zone(zone)?;
                rest
            }
            Item::GmtOffset(full) => {
                let (seconds, rest) = offset::read_gmt(text, *full)?;
                parsed.set_zone(TimeZone::fixed(seconds))?;
                rest
            }
            Item::Offset(style, zero) => {
                let (seconds, rest) = offset::read(text, *style, *zero)?;
                parsed.set_zone(TimeZone::fixed(seconds))?;
                rest
            }
            Item::Optional(items) => {
                let mut tried = parsed.clone();
                match read(text, items, &mut tried) {
                    Some(rest) => {
                        *parsed = tried;
                        rest
                    }
                    None => text,
                }
            }
        };
    }
    Some(text)
}

/// Sets a field that may be said twice, but not in two ways.
fn put(field: &mut Option<i64>, value: i64) -> Option<()> {
    match field.replace(value) {
        Some(before) if before != value => None,
        _ => Some(()),
    }
}

impl Parsed {
    fn set(&mut self, field: Field, value: i64) -> Option<()> {
        let in_range = |low: i64, high: i64| (low..=high).contains(&value).then_some(value);
        match field {
            Field::Year => put(&mut self.year, value),
            Field::ShortYear => put(&mut self.year, 2000 + value),
            Field::ShortYearOfEra => put(&mut self.year_of_era, 2000 + value),
            Field::YearOfEra => put(&mut self.year_of_era, in_range(1, 999_999_999)?),
            Field::Month => put(&mut self.month, in_range(1, 12)?),
            Field::Day => put(&mut self.day, in_range(1, 31)?),
            Field::DayOfYear => put(&mut self.day_of_year, in_range(1, 366)?),
            Field::Hour => put(&mut self.hour, in_range(0, 23)?),
            Field::ClockHour => put(&mut self.hour, in_range(1, 24)? % 24),
            Field::HalfDayHour => put(&mut self.half_day_hour, in_range(0, 11)?),
            Field::ClockHalfDayHour => put(&mut self.half_day_hour, in_range(1, 12)? % 12),
            Field::Minute => put(&mut self.minute, in_range(0, 59)?),
            Field::Second => put(&mut self.second, in_range(0, 59)?),
            // These are written only.
            Field::Quarter | Field::DayInMonthWeek => None,
        }
    }

    fn set_zone(&mut self, zone: TimeZone) -> Option<()> {
        match self.zone.replace(zone) {
            Some(before) if before != zone => None,
            _ => Some(()),
        }
    }

    /// Days since 1970; what was not said is the first of its kind, and the year 1970.
    pub(super) fn days(&self) -> Option<i64> {
        let year = match (self.year, self.year_of_era, self.before_christ) {
            (Some(year), None, _) => year,
            (None, Some(year), Some(1)) => 1 - year,
            (None, Some(year), _) => year,
            (None, None, _) => 1970,
            (Some(_), Some(_), _) => return None,
        };
        if !(-300_000..=300_000).contains(&year) {
            return None;
        }
        if let Some(day) = self.day_of_year {
            let first = Date { year, month: 1, day: 1 }.to_days();
            let date = Date::from_days(first + day - 1);
            let fits = |said: Option<i64>, found: u32| said.is_none_or(|n| n == i64::from(found));
            let agrees = fits(self.month, date.month) && fits(self.day, date.day);
            return ((day < 366 || is_leap(year)) && agrees).then_some(first + day - 1);
        }
        let month = u32::try_from(self.month.unwrap_or(1)).ok()?;
        let day = u32::try_from(self.day.unwrap_or(1)).ok()?;
        Date::new(year, month, day).map(Date::to_days)
    }

    /// Microseconds since midnight; what was not said is none.
    pub(super) fn micros_of_day(&self) -> Option<i64> {
        let of_half = self.half_day_hour.map(|hour| hour + 12 * self.afternoon.unwrap_or(0));
        let hour = match (self.hour, of_half) {
            (Some(hour), None) => {
                let agrees = self.afternoon.is_none_or(|half| half == hour / 12);
                agrees.then_some(hour)?
            }
            (Some(hour), Some(of_half)) => (hour == of_half).then_some(hour)?,
            (None, of_half) => of_half.unwrap_or(0),
        };
        let seconds = hour * 3600 + self.minute.unwrap_or(0) * 60 + self.second.unwrap_or(0);
        Some(seconds * 1_000_000 + self.micros.unwrap_or(0))
    }
}

fn read_number<'t>(text: &'t str, number: &Number) -> Option<(i64, &'t str)> {
    let (negative, plus, unsigned) = match text.as_bytes().first()? {
        b'-' if number.sign != Sign::Never => (true, false, &text[1..]),
        b'+' if number.sign == Sign::Exceeding => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    // The digits of the numbers behind this one are theirs.
    let taken = digits.min(number.max + number.reserved);
    let taken = if number.reserved == 0 {
        taken
    } else {
        taken.saturating_sub(number.reserved).max(number.min)
    };
    if taken < number.min || taken > digits {
        return None;
    }
    let value: i64 = unsigned[..taken].parse().ok()?;
    let exceeds = taken > number.min;
    let sign_fits = match number.sign {
        _ if negative => value != 0,
        Sign::Exceeding => plus == exceeds,
        Sign::Never | Sign::Negative => true,
    };
    sign_fits.then_some((if negative { -value } else { value }, &unsigned[taken..]))
}

/// Microseconds from digits of a fraction, of which nanoseconds are cut off.
fn read_fraction(text: &str, most: usize) -> Option<(i64, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let number: i64 = text[..digits].parse().ok()?;
    Some((number * 10_i64.pow(9 - digits as u32) / 1_000, &text[digits..]))
}

/// What follows a word, in any case of letters.
fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix(word) {
        return Some(rest);
    }
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

fn read_word<'t>(
    text: &'t str,
    field: TextField,
    full: bool,
    parsed: &mut Parsed,
) -> Option<&'t str> {
    let first = |words: &[&str]| {
        words.iter().enumerate().find_map(|(i, word)| Some((i as i64, after_word(text, word)?)))
    };
    match field {
        TextField::Era => {
            let (era, rest) =
                first(if full { &["Anno Domini", "Before Christ"] } else { &["AD", "BC"] })?;
            put(&mut parsed.before_christ, era)?;
            Some(rest)
        }
        TextField::HalfDay => {
            let (half, rest) = first(&["AM", "PM"])?;
            put(&mut parsed.afternoon, half)?;
            Some(rest)
        }
        TextField::Month => {
            let (month, rest) = MONTHS.iter().enumerate().find_map(|(i, month)| {
                let word = if full { month } else { &month[..3] };
                Some((i as i64 + 1, after_word(text, word)?))
            })?;
            put(&mut parsed.month, month)?;
            Some(rest)
        }
        // These are written only.
        TextField::Quarter | TextField::Weekday => None,
    }
}

/// The longest name of a zone at the start of a text.
fn read_zone(text: &str, by_short_name: bool) -> Option<(TimeZone, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-' | ':');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (1..=end).rev().find_map(|end| {
        let name = text.get(..end)?;
        let named = if by_short_name { by_abbreviation(name) } else { None };
        Some((named.or_else(|| TimeZone::find(name))?, &text[end..]))
    })
}

/// The region that an abbreviation in everyday use stands for.
fn by_abbreviation(name: &str) -> Option<TimeZone> {
    let region = match name.to_ascii_uppercase().as_str() {
        "PST" | "PDT" | "PT" => "America/Los_Angeles",
        "MST" | "MDT" | "MT" => "America/Denver",
        "CST" | "CDT" | "CT" => "America/Chicago",
        "EST" | "EDT" | "ET" => "America/New_York",
        "CET" | "CEST" => "Europe/Paris",
        "EET" | "EEST" => "Europe/Bucharest",
        "WET" | "WEST" => "Europe/Lisbon",
        "BST" => "Europe/London",
        "MSK" => "Europe/Moscow",
        "JST" => "Asia/Tokyo",
        "IST" => "Asia/Kolkata",
        "AEST" | "AEDT" => "Australia/Sydney",
        _ => return None,
    };
    TimeZone::find(region)
}
