//! Writes points in time by a pattern.

use std::fmt::Write;

use crate::event_time::calendar::{Date, MICROS_PER_SECOND, split_day, weekday};
use crate::event_time::zone::TimeZone;
use crate::formats::datetime_pattern::compile::{Field, Item, Number, Sign, TextField};
use crate::formats::datetime_pattern::offset;

/// The months, in full; three letters of them are the short form.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days of the week, in full; three letters of them are the short form.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];

/// A point in time as the clock and the calendar on the wall show it.
pub(super) struct Moment {
    utc_micros: i64,
    zone: TimeZone,
    days: i64,
    micros_of_day: i64,
    date: Date,
}

impl Moment {
    pub(super) fn at(utc_micros: i64, zone: TimeZone) -> Self {
        let (days, micros_of_day) = split_day(zone.to_local(utc_micros));
        Self { utc_micros, zone, days, micros_of_day, date: Date::from_days(days) }
    }

    const fn second_of_day(&self) -> i64 {
        self.micros_of_day / MICROS_PER_SECOND
    }

    fn number(&self, field: Field) -> i64 {
        let year = self.date.year;
        let hour = self.second_of_day() / 3600;
        match field {
            Field::Year => year,
            Field::YearOfEra if year > 0 => year,
            Field::YearOfEra => 1 - year,
            Field::ShortYear => year.abs() % 100,
            Field::ShortYearOfEra => self.number(Field::YearOfEra) % 100,
            Field::Month => i64::from(self.date.month),
            Field::Day => i64::from(self.date.day),
            Field::DayOfYear => self.date.day_of_year(),
            Field::Quarter => i64::from(self.date.quarter()),
            Field::DayInMonthWeek => i64::from((self.date.day - 1) % 7 + 1),
            Field::Hour => hour,
            Field::ClockHour => (hour + 23) % 24 + 1,
            Field::HalfDayHour => hour % 12,
            Field::ClockHalfDayHour => (hour + 11) % 12 + 1,
            Field::Minute => self.second_of_day() / 60 % 60,
            Field::Second => self.second_of_day() % 60,
        }
    }

    fn text(&self, field: TextField, full: bool) -> &'static str {
        let index = |from_one: u32| from_one as usize - 1;
        let named = match field {
            TextField::Era if self.date.year > 0 => ["AD", "Anno Domini"][usize::from(full)],
            TextField::Era => ["BC", "Before Christ"][usize::from(full)],
            TextField::HalfDay => ["AM", "PM"][usize::from(self.second_of_day() >= 43_200)],
            TextField::Month => MONTHS[index(self.date.month)],
            TextField::Weekday => WEEKDAYS[weekday(self.days) as usize],
            TextField::Quarter if full => QUARTERS[index(self.date.quarter())],
            TextField::Quarter => ["Q1", "Q2", "Q3", "Q4"][index(self.date.quarter())],
        };
        match field {
            TextField::Month | TextField::Weekday if !full => &named[..3],
            _ => named,
        }
    }
}

/// Appends what the items ask for.
pub(super) fn write(out: &mut String, items: &[Item], moment: &Moment) {
    for item in items {
        match item {
            Item::Literal(text) => out.push_str(text),
            Item::Number(number) => push_number(out, number, moment.number(number.field)),
            Item::Text(field, full) => out.push_str(moment.text(*field, *full)),
            Item::Fraction(digits) => {
                let nanos = moment.micros_of_day % MICROS_PER_SECOND * 1_000;
                let shown = nanos / 10_i64.pow(9 - *digits as u32);
                // Writing to a string cannot fail.
                let _ = write!(out, "{shown:0digits$}");
            }
            Item::ZoneId => out.push_str(&moment.zone.name()),
            Item::ZoneName => out.push_str(&moment.zone.short_name(moment.utc_micros)),
            Item::GmtOffset(full) => {
                offset::write_gmt(out, moment.zone.offset_seconds(moment.utc_micros), *full);
            }
            Item::Offset(style, zero) => {
                let seconds = moment.zone.offset_seconds(moment.utc_micros);
                offset::write(out, seconds, *style, *zero);
            }
            Item::Optional(items) => write(out, items, moment),
        }
    }
}

fn push_number(out: &mut String, number: &Number, value: i64) {
    let digits = value.unsigned_abs();
    let exceeds = || number.min < 19 && digits >= 10_u64.saturating_pow(number.min as u32);
    if value < 0 {
        out.push('-');
    } else if number.sign == Sign::Exceeding && exceeds() {
        out.push('+');
    }
    let width = number.min;
    let _ = write!(out, "{digits:0width$}");
}
