//! The AST pass: gives every name its true spelling, every column Spark's name, and moves windows
//! of event time and generators from the expressions that name them into a relation below.
//!
//! DataFusion compares names byte by byte, so this is the only place where case does not count.

pub(super) mod balance;
pub(super) mod binder;

mod aggregates;
mod bind_expr;
mod bind_from;
mod casts;
mod choices;
mod earlier;
mod frames;
mod from;
mod function_names;
mod generators;
mod grouping;
mod interval_casts;
mod lambdas;
mod likes;
mod literals;
mod named_windows;
mod names;
mod refuse;
mod scope;
mod spelling;
mod time_calls;
mod time_names;
mod values;
mod wildcards;
mod windows;
