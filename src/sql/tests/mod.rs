//! Whole passes, text in and plan out.

mod plans;
mod statements;
mod windows;
