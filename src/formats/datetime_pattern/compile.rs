//! From the text of a pattern to its items.

use crate::error::{Error, Result};
use crate::formats::datetime_pattern::offset::{OffsetStyle, Zero};
use crate::formats::datetime_pattern::pattern::Use;

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Text that stands for itself.
    Literal(String),
    /// A number of a field.
    Number(Number),
    /// A field in words, in full or short.
    Text(TextField, bool),
    /// Digits of the second's fraction: at most so many, when written exactly so many.
    Fraction(usize),
    /// A zone by its name.
    ZoneId,
    /// A zone by its short name.
    ZoneName,
    /// An offset after `GMT`, in full or short.
    GmtOffset(bool),
    /// An offset as numbers.
    Offset(OffsetStyle, Zero),
    /// What may be missing in text that is read.
    Optional(Vec<Self>),
}

/// A number in a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) field: Field,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) sign: Sign,
    /// Digits that belong to the numbers right behind this one.
    pub(super) reserved: usize,
}

/// Which signs a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// None.
    Never,
    /// A minus.
    Negative,
    /// A minus, and a plus where there are more digits than asked for.
    Exceeding,
}

/// A field that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    YearOfEra,
    /// The last two digits of the year.
    ShortYear,
    /// The last two digits of the year of the era.
    ShortYearOfEra,
    Month,
    Day,
    DayOfYear,
    Quarter,
    DayInMonthWeek,
    Hour,
    /// From 1 to 24.
    ClockHour,
    /// From 0 to 11.
    HalfDayHour,
    /// From 1 to 12.
    ClockHalfDayHour,
    Minute,
    Second,
}

/// A field that is a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextField {
    Era,
    Month,
    Quarter,
    Weekday,
    HalfDay,
}

/// What has been put together so far in one section.
#[derive(Default)]
struct Section {
    items: Vec<Item>,
    /// The number that gives digits to the numbers right behind it.
    open_number: Option<usize>,
}

impl Section {
    fn push(&mut self, item: Item) {
        self.items.push(item);
        self.open_number = None;
    }

    fn literal(&mut self, c: char) {
        self.open_number = None;
        match self.items.last_mut() {
            Some(Item::Literal(text)) => text.push(c),
            _ => self.items.push(Item::Literal(c.to_string())),
        }
    }

    /// Numbers of a fixed width right behind a number take their digits from it: in `yyyyMMdd`
    /// the year ends four digits before the end.
    fn number(&mut self, number: Number) {
        let width = number.max;
        let is_fixed = number.min == number.max && number.sign == Sign::Never;
        let behind = self.open_number.filter(|_| is_fixed);
        let place = self.items.len();
        self.items.push(Item::Number(number));
        match behind {
            Some(open) => {
                if let Some(Item::Number(before)) = self.items.get_mut(open) {
                    before.reserved += width;
                }
            }
            None => self.open_number = Some(place),
        }
    }
}

/// Compiles the items of a pattern.
pub(super) fn items(pattern: &str, purpose: Use) -> Result<Vec<Item>> {
    let bad =
        |why: &str| Error::invalid(format!("cannot use the datetime pattern `{pattern}`: {why}"));
    let with_era = has_era(pattern);
    let mut sections = vec![Section::default()];
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(section) = sections.last_mut() else { break };
        match c {
            '\'' => quoted(&mut chars, section).ok_or_else(|| bad("a quote is not closed"))?,
            '[' => {
                section.open_number = None;
                sections.push(Section::default());
            }
            ']' => {
                let closed = if sections.len() > 1 { sections.pop() } else { None };
                let closed = closed.ok_or_else(|| bad("`]` has no `[` before it"))?;
                if let Some(around) = sections.last_mut() {
                    around.push(Item::Optional(closed.items));
                }
            }
            '{' | '}' | '#' => {
                return Err(bad(&format!("`{c}` is reserved; put it in quotes: `'{c}'`")));
            }
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while chars.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                let part = Letters { letter, count, with_era };
                part.add(section, purpose).map_err(|why| bad(&why))?;
            }
            other => section.literal(other),
        }
    }
    // What is still open ends with the pattern.
    while let Some(closed) = sections.pop() {
        match sections.last_mut() {
            Some(around) => around.push(Item::Optional(closed.items)),
            None => return Ok(closed.items),
        }
    }
    Ok(Vec::new())
}

/// Whether the letter of the era stands outside of quotes.
fn has_era(pattern: &str) -> bool {
    pattern.split('\'').step_by(2).any(|part| part.contains('G'))
}

fn quoted(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    section: &mut Section,
) -> Option<()> {
    if chars.next_if_eq(&'\'').is_some() {
        section.literal('\'');
        return Some(());
    }
    loop {
        match chars.next()? {
            '\'' if chars.next_if_eq(&'\'').is_some() => section.literal('\''),
            '\'' => return Some(()),
            c => section.literal(c),
        }
    }
}

/// A run of one letter.
struct Letters {
    letter: char,
    count: usize,
    with_era: bool,
}

impl Letters {
    fn add(&self, section: &mut Section, purpose: Use) -> Result<(), String> {
        let Self { letter, count, .. } = *self;
        if purpose == Use::Parse && matches!(letter, 'E' | 'F' | 'Q' | 'q') {
            return Err(format!("`{letter}` can be written and not read"));
        }
        match (letter, count) {
            ('y', 1..=6) => section.number(self.year()),
            ('M' | 'L', 1 | 2) => section.number(self.plain(Field::Month)),
            ('Q' | 'q', 1 | 2) => section.number(self.plain(Field::Quarter)),
            ('D', 1) => section.number(self.plain(Field::DayOfYear)),
            ('D', 2 | 3) => {
                section.number(Number { max: 3, ..self.plain(Field::DayOfYear) });
            }
            ('F', 1) => section.number(self.plain(Field::DayInMonthWeek)),
            ('d' | 'H' | 'k' | 'K' | 'h' | 'm' | 's', 1 | 2) => {
                section.number(self.plain(self.clock_field()));
            }
            ('S', 1..=9) => section.push(Item::Fraction(count)),
            ('G', 1..=4) => section.push(Item::Text(TextField::Era, count == 4)),
            ('M' | 'L', 3 | 4) => section.push(Item::Text(TextField::Month, count == 4)),
            ('Q' | 'q', 3 | 4) => section.push(Item::Text(TextField::Quarter, count == 4)),
            ('E', 1..=4) => section.push(Item::Text(TextField::Weekday, count == 4)),
            ('a', 1) => section.push(Item::Text(TextField::HalfDay, false)),
            ('V', 2) => section.push(Item::ZoneId),
            ('z', 1..=3) => section.push(Item::ZoneName),
            ('z', 4) => return Err("full names of time zones are not supported; use `z`".into()),
            ('O', 1 | 4) => section.push(Item::GmtOffset(count == 4)),
            ('Z', 4) => section.push(Item::GmtOffset(true)),
            ('X' | 'x' | 'Z', 1..=5) => section.push(self.offset()),
            ('A'..='Z' | 'a'..='z', _) if "GyMLdDQqEFaHkKhmsSVzOXxZ".contains(letter) => {
                return Err(format!("`{letter}` cannot stand {count} times in a row"));
            }
            ('Y' | 'W' | 'w' | 'u' | 'e' | 'c', _) => {
                return Err(format!("weeks and their years, as in `{letter}`, are not supported"));
            }
            _ => return Err(format!("the letter `{letter}` means nothing; put text in quotes")),
        }
        Ok(())
    }

    const fn clock_field(&self) -> Field {
        match self.letter {
            'd' => Field::Day,
            'H' => Field::Hour,
            'k' => Field::ClockHour,
            'K' => Field::HalfDayHour,
            'h' => Field::ClockHalfDayHour,
            'm' => Field::Minute,
            _ => Field::Second,
        }
    }

    /// One letter takes any number of digits, two or more so many.
    fn plain(&self, field: Field) -> Number {
        let (max, sign) =
            if self.count == 1 { (19, Sign::Negative) } else { (self.count, Sign::Never) };
        Number { field, min: self.count, max, sign, reserved: 0 }
    }

    fn year(&self) -> Number {
        let field = if self.with_era { Field::YearOfEra } else { Field::Year };
        match self.count {
            2 if self.with_era => self.plain(Field::ShortYearOfEra),
            2 => self.plain(Field::ShortYear),
            count => {
                let sign = if count < 4 { Sign::Negative } else { Sign::Exceeding };
                Number { field, min: count, max: 19, sign, reserved: 0 }
            }
        }
    }

    fn offset(&self) -> Item {
        let style = match (self.letter, self.count) {
            ('Z', 1..=3) => OffsetStyle::Minutes,
            (_, 1) => OffsetStyle::Hours,
            (_, 2) => OffsetStyle::Minutes,
            (_, 3) => OffsetStyle::ColonMinutes,
            (_, 4) => OffsetStyle::Seconds,
            _ => OffsetStyle::ColonSeconds,
        };
        let zero = match (self.letter, self.count) {
            ('X', _) | ('Z', 5) => Zero::Letter,
            _ => Zero::Digits,
        };
        Item::Offset(style, zero)
    }
}
