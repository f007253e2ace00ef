//! Arithmetic as Spark does it: its result types, its overflow errors, its decimals.
//!
//! `+ - * / DIV %` of numbers are planned as functions of ours, which know whether the session is
//! in ANSI mode. Their `try_` forms give NULL in place of an error.

mod decimals;
mod kernels;
pub(in crate::sql) mod operators;
pub(in crate::sql::functions) mod types;
