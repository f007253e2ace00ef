//! Tumbling and sliding windows of event time.

use std::fmt;

use crate::error::{Error, Result};

/// The most windows that a row may be in.
const MOST_WINDOWS: i64 = 100_000;

/// Windows of one width that begin every `slide`, aligned to 1970 in UTC plus `start`.
///
/// All values are microseconds. A window is half open: `[begin, begin + width)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowSpec {
    width: i64,
    slide: i64,
    start: i64,
}

impl WindowSpec {
    /// Windows of `width` that begin every `slide`, moved by `start`, in microseconds.
    ///
    /// # Errors
    /// `Invalid` unless `0 < slide <= width` and `|start| < slide`, and for more windows a row
    /// than could be worked with.
    pub fn try_new(width: i64, slide: i64, start: i64) -> Result<Self> {
        if width <= 0 || slide <= 0 {
            return Err(Error::invalid("the duration and the slide of a window must be positive"));
        }
        if slide > width {
            return Err(Error::invalid(
                "the slide of a window must not be longer than its duration, or rows would fall between windows",
            ));
        }
        if start.checked_abs().is_none_or(|start| start >= slide) {
            return Err(Error::invalid(
                "the start time of a window must be shorter than its slide",
            ));
        }
        if width / slide > MOST_WINDOWS {
            return Err(Error::invalid(format!(
                "each row would be in {} windows, and {MOST_WINDOWS} is the most; make the slide \
                 longer, or the duration shorter",
                width / slide
            )));
        }
        Ok(Self { width, slide, start })
    }

    /// The length of a window in microseconds.
    pub const fn width(&self) -> i64 {
        self.width
    }

    /// The distance from one window's begin to the next, in microseconds.
    pub const fn slide(&self) -> i64 {
        self.slide
    }

    /// By how much all windows are moved against 1970 in UTC, in microseconds.
    pub const fn start(&self) -> i64 {
        self.start
    }

    /// Whether every time lies in exactly one window.
    pub const fn is_tumbling(&self) -> bool {
        self.width == self.slide
    }

    /// The begin of the latest window that holds `micros`, also before 1970.
    ///
    /// Saturates at the ends of the representable time.
    pub const fn last_begin(&self, micros: i64) -> i64 {
        let offset = micros.saturating_sub(self.start).rem_euclid(self.slide);
        micros.saturating_sub(offset)
    }

    /// The begins of all windows that hold `micros`, the latest first.
    pub fn begins(&self, micros: i64) -> impl Iterator<Item = i64> + use<> {
        let Self { width, slide, .. } = *self;
        std::iter::successors(Some(self.last_begin(micros)), move |begin| begin.checked_sub(slide))
            .take_while(move |begin| *begin > micros.saturating_sub(width))
    }
}

impl fmt::Display for WindowSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "width={}us", self.width)?;
        if !self.is_tumbling() {
            write!(f, " slide={}us", self.slide)?;
        }
        if self.start != 0 {
            write!(f, " start={}us", self.start)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(spec: (i64, i64, i64), at: i64) -> Vec<i64> {
        WindowSpec::try_new(spec.0, spec.1, spec.2).unwrap().begins(at).collect()
    }

    #[test]
    fn a_sliding_window_begins_with_the_latest() {
        assert_eq!(begins((10, 5, 0), 12), [10, 5]);
        assert_eq!(begins((10, 5, 0), 10), [10, 5]);
        assert_eq!(begins((10, 4, 0), 9), [8, 4, 0]);
        assert_eq!(begins((10, 4, 0), 11), [8, 4]);
    }

    #[test]
    fn windows_before_1970_are_aligned_alike() {
        assert_eq!(begins((10, 10, 0), -1), [-10]);
        assert_eq!(begins((60, 60, 15), 14), [-45]);
    }

    #[test]
    fn rows_must_not_fall_between_windows() {
        assert!(WindowSpec::try_new(5, 10, 0).is_err());
        assert!(WindowSpec::try_new(-5, -5, 0).is_err());
        assert!(WindowSpec::try_new(10, 10, 10).is_err());
    }

    #[test]
    fn a_row_is_in_a_bounded_number_of_windows() {
        assert!(WindowSpec::try_new(MOST_WINDOWS, 1, 0).is_ok());
        assert!(WindowSpec::try_new(MOST_WINDOWS + 1, 1, 0).is_err());
    }
}
