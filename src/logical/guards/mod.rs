//! A guard guards: a condition that can fail is evaluated only for the rows that reach it.
//!
//! `WHERE v <> 'x' AND CAST(v AS INT) > 0` must not cast `x`. DataFusion gives no such promise: its
//! optimizer takes conditions apart, merges those of several filters and folds a CASE of booleans
//! into AND and OR, and an AND evaluates its right side for all rows. So what can fail goes through
//! the optimizer in a wrapping that the rules do not open, and comes out as a CASE, which does
//! evaluate each branch for its own rows only.
//!
//! ```text
//!   analyzed plan --> DeferErrors    what can fail is wrapped
//!                 --> optimizer      moves the wrappings with the columns of their guards
//!                 --> in_order       conditions that cannot fail first, then the others in order
//! ```
//!
//! A plan in which nothing can fail passes through unchanged, and its conditions stay as fast as
//! they are.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an expression or plan that is not named is left as it is, or counts as one that can fail"
)]

pub mod conditions;
pub mod fallible;

mod defer;
mod order;

pub use defer::DeferErrors;
pub use order::{GuardedPlanner, in_order};
