//! The proleptic Gregorian calendar in whole numbers: days and microseconds since 1970, and what
//! a clock on the wall shows for them. Written out for columns of values: no allocation, no
//! errors, and a range wider than that of a timestamp.

/// Microseconds of a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a day without a change of the clock.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A date on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year; the one before 1 is 0.
    pub year: i64,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
}

impl Date {
    /// The date, if there is one.
    pub fn new(year: i64, month: u32, day: u32) -> Option<Self> {
        let is_date = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        is_date.then_some(Self { year, month, day })
    }

    /// The date so many days after 1970-01-01.
    pub const fn from_days(days: i64) -> Self {
        // Years begin in March here, so that the day that comes and goes is the last of one.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = (if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 }) as u32;
        let year = year_of_era + era * 400 + (month <= 2) as i64;
        Self { year, month, day }
    }

    /// Days since 1970-01-01.
    pub const fn to_days(self) -> i64 {
        let year = self.year - (self.month <= 2) as i64;
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = (self.month as i64 + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + self.day as i64 - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day of the year, from 1.
    pub const fn day_of_year(self) -> i64 {
        self.to_days() - Self { year: self.year, month: 1, day: 1 }.to_days() + 1
    }

    /// The quarter of the year, from 1.
    pub const fn quarter(self) -> u32 {
        (self.month - 1) / 3 + 1
    }

    /// So many months later, at most on the last day of that month.
    pub fn add_months(self, months: i64) -> Option<Self> {
        let total = self.year.checked_mul(12)?.checked_add(i64::from(self.month) - 1)?;
        let total = total.checked_add(months)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u32 + 1);
        Some(Self { year, month, day: self.day.min(days_in_month(year, month)) })
    }
}

/// Whether a year has a 29th of February.
pub const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub const fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of the week of a day since 1970, from 0 for Monday.
pub const fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// The year and the week that a day belongs to, as ISO 8601 counts weeks.
pub const fn iso_week(days: i64) -> (i64, i64) {
    // A week belongs to the year that its Thursday is in.
    let thursday = days - weekday(days) + 3;
    let date = Date::from_days(thursday);
    (date.year, (date.day_of_year() - 1) / 7 + 1)
}

/// A time on the clock on the wall, as days since 1970 and microseconds of the day.
pub const fn split_day(local_micros: i64) -> (i64, i64) {
    (local_micros.div_euclid(MICROS_PER_DAY), local_micros.rem_euclid(MICROS_PER_DAY))
}

/// The time on the clock on the wall of a day since 1970 and microseconds of it, if a timestamp
/// can hold it.
pub fn join_day(days: i64, micros_of_day: i64) -> Option<i64> {
    let micros = i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(micros_of_day);
    i64::try_from(micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree_over_eight_centuries() {
        let mut date = Date { year: 1599, month: 12, day: 31 };
        for days in date.to_days()..date.to_days() + 300_000 {
            assert_eq!(Date::from_days(days), date);
            assert_eq!(date.to_days(), days);
            date = Date::new(date.year, date.month, date.day + 1)
                .or_else(|| Date::new(date.year, date.month + 1, 1))
                .unwrap_or(Date { year: date.year + 1, month: 1, day: 1 });
        }
        assert_eq!(Date::from_days(0), Date { year: 1970, month: 1, day: 1 });
        assert_eq!(Date { year: -4713, month: 11, day: 24 }.to_days(), -2_440_588);
    }

    #[test]
    fn weeks_follow_iso_8601() {
        let week = |year, month, day| iso_week(Date { year, month, day }.to_days());
        assert_eq!(week(2024, 12, 30), (2025, 1));
        assert_eq!(week(2021, 1, 3), (2020, 53));
        assert_eq!(week(2024, 1, 1), (2024, 1));
        assert_eq!(weekday(0), 3);
    }

    #[test]
    fn months_end_where_they_end() {
        let date = Date { year: 2024, month: 1, day: 31 };
        assert_eq!(date.add_months(1), Date::new(2024, 2, 29));
        assert_eq!(date.add_months(-11), Date::new(2023, 2, 28));
        assert_eq!(date.add_months(-1), Date::new(2023, 12, 31));
    }
}
