//! `to_char` of numbers, `to_number` and `try_to_number`: numbers by a pattern such as `$99,999.99S`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Builder, StringBuilder};
use arrow::datatypes::DataType::{self, Decimal128, Float32, Float64, Utf8};
use arrow::datatypes::Decimal128Type;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::sql::functions::define::{Arguments, Call, Function, Given};

/// All functions here.
pub(in crate::sql::functions) fn functions() -> Vec<Arc<ScalarUDF>> {
    [
        Function::new("to_char", char_types, to_char).or(&["to_varchar"]),
        Function::new("to_number", number_types, |args| to_number(args, false)),
        Function::new("try_to_number", number_types, |args| to_number(args, true)),
    ]
    .map(Function::udf)
    .to_vec()
}

/// Where a sign stands, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    /// `S`: plus and minus.
    Always,
    /// `MI`: minus, or a blank.
    Minus,
}

/// Digits between two commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Digits {
    count: usize,
    /// Whether zeros stand in for digits that are missing.
    zeros: bool,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    before: Sign,
    after: Sign,
    /// `PR`: what is below zero stands in angle brackets.
    brackets: bool,
    dollar: bool,
    /// The groups before the point, from the left.
    whole: Vec<Digits>,
    point: bool,
    fraction: usize,
}

impl Pattern {
    /// Reads a pattern, or says what is wrong with it.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let mut rest = upper.as_str();
        let mut this = Self {
            before: Sign::None,
            after: Sign::None,
            brackets: false,
            dollar: false,
            whole: vec![],
            point: false,
            fraction: 0,
        };
        this.before = sign(&mut rest);
        this.dollar = take(&mut rest, "$");
        let digits = rest.find(|c: char| !c.is_ascii_digit() && !",G.D".contains(c));
        let (digits, mut rest) = rest.split_at(digits.unwrap_or(rest.len()));
        this.after = sign(&mut rest);
        this.brackets = take(&mut rest, "PR");
        let (whole, fraction) = match digits.split_once(['.', 'D']) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        this.point = fraction.is_some();
        let fraction = fraction.unwrap_or("");
        this.fraction = fraction.len();
        let is_run = |run: &str| run.bytes().all(|byte| matches!(byte, b'0' | b'9'));
        for run in whole.split([',', 'G']) {
            if (run.is_empty() && !(whole.is_empty() && this.point)) || !is_run(run) {
                return Err("has to have 0 or 9 on both sides of a comma".to_owned());
            }
            this.whole.push(Digits { count: run.len(), zeros: run.starts_with('0') });
        }
        if !is_run(fraction) {
            return Err("has more than one point, or no digits behind it".to_owned());
        }
        let signs = usize::from(this.before != Sign::None)
            + usize::from(this.after != Sign::None)
            + usize::from(this.brackets);
        if !rest.is_empty() || signs > 1 {
            return Err(
                "can have one of S, MI and PR, a $ before the digits, and 0, 9, commas and a point"
                    .to_owned(),
            );
        }
        if this.digits() == 0 {
            return Err("needs a digit, 0 or 9".to_owned());
        }
        if this.digits() > 38 {
            return Err("has more than 38 digits".to_owned());
        }
        Ok(this)
    }

    fn digits(&self) -> usize {
        self.whole_digits() + self.fraction
    }

    fn whole_digits(&self) -> usize {
        self.whole.iter().map(|digits| digits.count).sum()
    }

    /// Writes the digits of a number; what does not fit is written as `#`.
    fn format(&self, negative: bool, whole: &str, fraction: &str) -> String {
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let fits = whole.len() <= self.whole_digits() && fraction.len() <= self.fraction;
        let mut body = String::new();
        let mut missing = self.whole_digits().saturating_sub(whole.len());
        let mut digits = whole.chars();
        for (at, group) in self.whole.iter().enumerate() {
            if at > 0 {
                body.push(if body.ends_with(|c: char| c.is_ascii_digit() || c == '#') {
                    ','
                } else {
                    ' '
                });
            }
            for _ in 0..group.count {
                body.push(if !fits {
                    '#'
                } else if missing > 0 {
                    missing -= 1;
                    if group.zeros { '0' } else { ' ' }
                } else {
                    digits.next().unwrap_or('0')
                });
            }
        }
        if self.point {
            // A sign that stands right before the number takes the place of the zero.
            let sign_moves = self.before != Sign::None && !self.dollar;
            if body.ends_with(' ') && !sign_moves {
                body.pop();
                body.push('0');
            }
            body.push(if self.fraction == 0 { ' ' } else { '.' });
            if fits {
                body.push_str(&format!("{fraction:0<width$}", width = self.fraction));
            } else {
                body.extend(std::iter::repeat_n('#', self.fraction));
            }
        }
        self.signed(negative, &body)
    }

    fn signed(&self, negative: bool, body: &str) -> String {
        let mark = |sign: Sign| match (sign, negative) {
            (Sign::None, _) => "",
            (_, true) => "-",
            (Sign::Always, false) => "+",
            (Sign::Minus, false) => " ",
        };
        let dollar = if self.dollar { "$" } else { "" };
        let after = mark(self.after);
        if self.brackets && !negative {
            return format!("{dollar}{body}{after}  ");
        }
        let (before, close) = if self.brackets { ("<", ">") } else { (mark(self.before), "") };
        // A sign stands right before the number, but for a dollar between them.
        let blanks = if self.dollar { 0 } else { body.len() - body.trim_start().len() };
        let (blanks, rest) = body.split_at(blanks);
        format!("{blanks}{before}{dollar}{rest}{after}{close}")
    }

    /// The digits of a text as a decimal with the scale of this pattern; `None` for a text that
    /// does not fit.
    fn read(&self, text: &str) -> Option<i128> {
        let mut rest: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let mut negative = false;
        if self.brackets && rest.starts_with('<') {
            rest = rest.strip_prefix('<')?.strip_suffix('>')?.to_owned();
            negative = true;
        }
        let mut body = rest.as_str();
        for (sign, at_front) in [(self.before, true), (self.after, false)] {
            let strip = |mark: char| {
                if at_front { body.strip_prefix(mark) } else { body.strip_suffix(mark) }
            };
            if sign != Sign::None
                && let Some(rest) = strip('-')
            {
                (body, negative) = (rest, true);
            } else if sign == Sign::Always
                && let Some(rest) = strip('+')
            {
                body = rest;
            }
        }
        if self.dollar {
            body = body.strip_prefix('$')?;
        }
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        if (body.contains('.') && !self.point) || fraction.len() > self.fraction {
            return None;
        }
        let groups: Vec<&str> = whole.split(',').collect();
        let skipped = self.whole.len().checked_sub(groups.len())?;
        for (at, (group, wanted)) in groups.iter().zip(&self.whole[skipped..]).enumerate() {
            let fits = if at > 0 || wanted.zeros {
                group.len() == wanted.count
            } else {
                group.len() <= wanted.count
            };
            if !fits {
                return None;
            }
        }
        if self.whole[..skipped].iter().any(|digits| digits.zeros) {
            return None;
        }
        let digits = format!("{}{fraction:0<width$}", groups.concat(), width = self.fraction);
        if whole.is_empty() && fraction.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value: i128 = digits.parse().ok()?;
        Some(if negative { -value } else { value })
    }
}

fn take(rest: &mut &str, word: &str) -> bool {
    match rest.strip_prefix(word) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn sign(rest: &mut &str) -> Sign {
    if take(rest, "S") {
        Sign::Always
    } else if take(rest, "MI") {
        Sign::Minus
    } else {
        Sign::None
    }
}

fn char_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let number = match &given.types[0] {
        decimal @ Decimal128(_, _) => decimal.clone(),
        whole if whole.is_integer() => Decimal128(20, 0),
        DataType::Null => Decimal128(1, 0),
        Float32 | Float64 => Decimal128(30, 15),
        Utf8 => Decimal128(38, 18),
        DataType::Date32 | DataType::Timestamp(_, _) => {
            return Err(given.refuse("a number and a pattern; use date_format(..) for times"));
        }
        _ => return Err(given.refuse("a number and a pattern")),
    };
    if let Some(pattern) = given.constant_text(1)? {
        check(given, pattern)?;
    }
    Ok(Call { takes: vec![number, Utf8], gives: Utf8 })
}

fn check(given: &Given<'_>, pattern: &str) -> Result<Pattern> {
    Pattern::parse(pattern).map_err(|wrong| {
        datafusion::common::plan_datafusion_err!(
            "`{}`: the pattern `{pattern}` {wrong}",
            given.function
        )
    })
}

fn pattern(args: &Arguments) -> Result<Option<Pattern>> {
    let patterns = args.text(1)?;
    if args.rows == 0 || patterns.is_null(0) {
        return Ok(None);
    }
    let text = patterns.value(0);
    let read = Pattern::parse(text);
    read.map(Some).map_err(|wrong| args.fail(format!("the pattern `{text}` {wrong}")))
}

fn to_char(args: &Arguments) -> Result<ArrayRef> {
    let numbers = args.array(0)?;
    let mut out = StringBuilder::new();
    let (Some(pattern), Decimal128(_, scale)) = (pattern(args)?, numbers.data_type()) else {
        return Ok(arrow::array::new_null_array(&Utf8, args.rows));
    };
    let scale = usize::try_from(*scale).unwrap_or(0);
    for digits in numbers.as_primitive::<Decimal128Type>() {
        out.append_option(digits.map(|digits| {
            let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
            let (whole, fraction) = text.split_at(text.len() - scale);
            pattern.format(digits < 0, whole, fraction)
        }));
    }
    Ok(Arc::new(out.finish()))
}

fn number_types(given: &Given<'_>) -> Result<Call> {
    given.count(2..=2)?;
    let gives = match given.constant_text(1)? {
        None => Decimal128(38, 0),
        Some(text) => {
            let pattern = check(given, text)?;
            // A pattern has no more than 38 digits.
            Decimal128(pattern.digits() as u8, pattern.fraction as i8)
        }
    };
    Ok(Call { takes: vec![Utf8, Utf8], gives })
}

fn to_number(args: &Arguments, tries: bool) -> Result<ArrayRef> {
    let texts = args.text(0)?;
    let Decimal128(precision, scale) = args.gives else {
        return Err(args.fail("the result is no decimal"));
    };
    let mut out = Decimal128Builder::with_capacity(args.rows);
    let pattern = pattern(args)?;
    for text in texts {
        let (Some(text), Some(pattern)) = (text, &pattern) else {
            out.append_null();
            continue;
        };
        let digits = pattern.read(text);
        if digits.is_none() && !tries {
            return Err(args.fail(format!(
                "the text `{text}` does not fit the pattern; use try_to_number to get NULL instead"
            )));
        }
        out.append_option(digits);
    }
    Ok(Arc::new(out.finish().with_precision_and_scale(precision, scale)?))
}
