//! Spark's patterns of dates and times, such as `yyyy-MM-dd HH:mm:ss[.SSS][XXX]`: compiled once,
//! then used to read text and to write it.
//!
//! | letter | what | letter | what |
//! |---|---|---|---|
//! | `G` | era: AD, BC | `H` `k` | hour of the day, 0 to 23, 1 to 24 |
//! | `y` | year | `K` `h` | hour of half a day, 0 to 11, 1 to 12 |
//! | `M` `L` | month: 7, 07, Jul, July | `m` `s` `S` | minute, second, digits of its fraction |
//! | `d` `D` | day of the month, of the year | `V` | zone by its name, written `VV` |
//! | `Q` `q` | quarter, written only | `z` | zone by its short name |
//! | `E` | day of the week, written only | `X` `x` `Z` | offset: +02, +0200, +02:00 |
//! | `F` | day of the week in the month, written only | `O` | offset: GMT+2 |
//! | `a` | AM or PM | `'` `[` `]` | quoted text, optional section |

pub mod pattern;

mod compile;
mod format;
mod offset;
mod parse;

#[cfg(test)]
mod tests;

pub use pattern::{Pattern, Use, compile};
