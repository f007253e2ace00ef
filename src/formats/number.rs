//! Numbers in the text of files.

/// A whole number without fraction or exponent.
pub(super) fn integer<T: TryFrom<i64>>(raw: &str) -> Option<T> {
    T::try_from(raw.parse::<i64>().ok()?).ok()
}

/// What a word that stands for no finite number means, if it does.
pub(super) fn non_finite(word: &str) -> Option<f64> {
    match word {
        "NaN" => Some(f64::NAN),
        "INF" | "+INF" | "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A decimal of this precision and scale, rounded half away from zero where the text has more
/// digits after the point; `None` for what is no number or does not fit.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(scale);
    let digits = whole.bytes().chain(fraction.bytes());
    let unscaled = shifted(digits, point)?;
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (unscaled < limit).then_some(if negative { -unscaled } else { unscaled })
}

/// The number that the digits make when the decimal point stands after the first `point` of them.
fn shifted(digits: impl Iterator<Item = u8>, point: i64) -> Option<i128> {
    let mut value: i128 = 0;
    let mut count: i64 = 0;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        let digit = i128::from(byte - b'0');
        if count < point {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if count == point && digit >= 5 {
            value = value.checked_add(1)?;
        }
        count += 1;
    }
    if value != 0 && count < point {
        let zeros = u32::try_from(point - count).ok()?;
        value = value.checked_mul(10_i128.checked_pow(zeros)?)?;
    }
    Some(value)
}

/// A decimal whose thousands may be set apart by commas.
pub(super) fn grouped_decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    if text.contains(',') {
        decimal(&text.replace(',', ""), precision, scale)
    } else {
        decimal(text, precision, scale)
    }
}

/// A double as Java reads it: blanks around it do not count, a letter for the width may follow.
pub(super) fn java_double(text: &str) -> Option<f64> {
    match java_literal(text)? {
        Literal::Finite(digits) => digits.parse().ok(),
        Literal::Other(value) => Some(value),
    }
}

/// A float as Java reads it.
pub(super) fn java_float(text: &str) -> Option<f32> {
    match java_literal(text)? {
        Literal::Finite(digits) => digits.parse().ok(),
        // NaN and the infinities are the same in both widths; a hexadecimal one is rounded twice.
        Literal::Other(value) => Some(value as f32),
    }
}

enum Literal<'a> {
    /// Digits, point and exponent, as Rust reads them too.
    Finite(&'a str),
    Other(f64),
}

fn java_literal(text: &str) -> Option<Literal<'_>> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned {
        "NaN" => return Some(Literal::Other(f64::NAN)),
        "Infinity" => return Some(Literal::Other(sign * f64::INFINITY)),
        _ => (),
    }
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return hexadecimal(hex).map(|value| Literal::Other(sign * value));
    }
    // What Rust reads besides, such as `inf`, begins with a letter.
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    Some(Literal::Finite(text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text)))
}

/// `1.8p3` after its `0x`: hexadecimal digits and a power of two.
fn hexadecimal(text: &str) -> Option<f64> {
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let places = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    let exponent: i32 = exponent.parse().ok()?;
    Some(value * 2_f64.powi(exponent.checked_sub(places)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_neither_fraction_nor_exponent_and_fit_their_width() {
        assert_eq!(integer::<i64>("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer::<i8>("127"), Some(127));
        assert_eq!(integer::<i8>("128"), None);
        assert_eq!(integer::<i32>("1.0"), None);
        assert_eq!(integer::<i32>("1e3"), None);
    }

    #[test]
    fn doubles_are_those_of_java() {
        for (text, value) in [
            (" 1.5 ", 1.5),
            ("1e3", 1000.0),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1.5f", 1.5),
            ("1d", 1.0),
            ("0x1p3", 8.0),
            ("-0x.8P1", -1.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(java_double(text), Some(value), "{text}");
            assert_eq!(java_float(text), Some(value as f32), "{text}");
        }
        assert!(java_double("NaN").unwrap().is_nan());
        for text in ["", "nan", "inf", "abc", "1,5", "1_0", "0x1", "0xp1", "1ff", "."] {
            assert_eq!(java_double(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_are_exact_and_round_half_away_from_zero() {
        assert_eq!(decimal("12.5", 10, 2), Some(1250));
        assert_eq!(decimal("-0.005", 10, 2), Some(-1));
        assert_eq!(decimal("0.0049", 10, 2), Some(0));
        assert_eq!(decimal("1.5e3", 10, 2), Some(150_000));
        assert_eq!(decimal("15e-4", 10, 2), Some(0));
        assert_eq!(decimal("99.995", 4, 2), None);
        assert_eq!(decimal("123456789012345678901234567890.12345678", 38, 8).unwrap(), {
            12_345_678_901_234_567_890_123_456_789_012_345_678
        });
        assert_eq!(decimal("0e999999999", 10, 2), Some(0));
        for text in ["", "-", ".", "1,5", "abc", "1e", "1e999999999"] {
            assert_eq!(decimal(text, 10, 2), None, "{text}");
        }
    }
}
