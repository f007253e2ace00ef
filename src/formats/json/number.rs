//! Numbers in JSON text.

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
