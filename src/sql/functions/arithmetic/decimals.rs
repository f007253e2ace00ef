//! Arithmetic of decimals: exact in 256 bits, then rounded half up to the scale of the result.

use arrow::array::Decimal128Array;
use arrow::datatypes::i256;

use crate::sql::functions::arithmetic::operators::Op;

/// A computation over decimals of fixed scales.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimals {
    pub(super) op: Op,
    pub(super) left_scale: i8,
    pub(super) right_scale: i8,
    /// The precision and scale of the result.
    pub(super) precision: u8,
    pub(super) scale: i8,
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    Overflow,
    ByZero,
}

impl Decimals {
    /// The result for one pair, unscaled.
    pub(super) fn compute(&self, left: i128, right: i128) -> Result<i128, Failed> {
        let (left, right) = (i256::from_i128(left), i256::from_i128(right));
        if right == i256::ZERO && matches!(self.op, Op::Divide | Op::Div | Op::Mod | Op::Pmod) {
            return Err(Failed::ByZero);
        }
        let exact = self.exact(left, right).ok_or(Failed::Overflow)?;
        let fits = exact.to_i128().filter(|value| digits(*value) <= self.precision);
        fits.ok_or(Failed::Overflow)
    }

    fn exact(&self, left: i256, right: i256) -> Option<i256> {
        let common = self.left_scale.max(self.right_scale);
        let both = || {
            Some((
                rescaled(left, self.left_scale, common)?,
                rescaled(right, self.right_scale, common)?,
            ))
        };
        match self.op {
            Op::Add => {
                let (left, right) = both()?;
                rescaled(left.checked_add(right)?, common, self.scale)
            }
            Op::Subtract => {
                let (left, right) = both()?;
                rescaled(left.checked_sub(right)?, common, self.scale)
            }
            Op::Multiply => {
                let product = left.checked_mul(right)?;
                rescaled(product, self.left_scale + self.right_scale, self.scale)
            }
            Op::Divide => {
                let shift = self.scale + self.right_scale - self.left_scale;
                let (left, right) = match shift {
                    0.. => (left.checked_mul(power(shift)?)?, right),
                    _ => (left, right.checked_mul(power(-shift)?)?),
                };
                divided(left, right)
            }
            Op::Div => {
                let (left, right) = both()?;
                left.checked_div(right)
            }
            Op::Mod => {
                let (left, right) = both()?;
                rescaled(left.checked_rem(right)?, common, self.scale)
            }
            Op::Pmod => {
                let (left, right) = both()?;
                let mut rest = left.checked_rem(right)?;
                if rest < i256::ZERO {
                    rest = rest.checked_add(right)?.checked_rem(right)?;
                }
                rescaled(rest, common, self.scale)
            }
        }
    }
}

/// How many digits a number has.
const fn digits(value: i128) -> u8 {
    match value.unsigned_abs().checked_ilog10() {
        Some(log) => log as u8 + 1,
        None => 0,
    }
}

fn power(exponent: i8) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::try_from(exponent).ok()?)
}

/// The same number at another scale, rounded half up, away from zero.
fn rescaled(value: i256, from: i8, to: i8) -> Option<i256> {
    if to >= from {
        return value.checked_mul(power(to - from)?);
    }
    divided(value, power(from - to)?)
}

/// A quotient rounded half up, away from zero.
fn divided(left: i256, right: i256) -> Option<i256> {
    let (quotient, rest) = (left.checked_div(right)?, left.checked_rem(right)?);
    let twice = rest.wrapping_abs().checked_mul(i256::from_i128(2))?;
    if twice < right.wrapping_abs() {
        return Some(quotient);
    }
    let is_negative = (left < i256::ZERO) != (right < i256::ZERO);
    let step = i256::from_i128(if is_negative { -1 } else { 1 });
    quotient.checked_add(step)
}

/// An array of results with their type.
pub(super) fn typed(
    values: Decimal128Array,
    precision: u8,
    scale: i8,
) -> Result<Decimal128Array, arrow::error::ArrowError> {
    values.with_precision_and_scale(precision, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotient_is_rounded_half_up_and_away_from_zero() {
        let divide =
            Decimals { op: Op::Divide, left_scale: 2, right_scale: 0, precision: 14, scale: 6 };
        assert_eq!(divide.compute(100, 3), Ok(333_333));
        assert_eq!(divide.compute(200, 3), Ok(666_667));
        assert_eq!(divide.compute(-200, 3), Ok(-666_667));
        assert_eq!(divide.compute(1, 0), Err(Failed::ByZero));
    }

    #[test]
    fn what_has_too_many_digits_overflows() {
        let add = Decimals { op: Op::Add, left_scale: 0, right_scale: 0, precision: 3, scale: 0 };
        assert_eq!(add.compute(998, 1), Ok(999));
        assert_eq!(add.compute(999, 1), Err(Failed::Overflow));
    }
}
