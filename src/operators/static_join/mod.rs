//! A stream joined with what does not stream.
//!
//! The static side is read and hashed once, when the first epoch of a run asks for it, and is then
//! probed by the rows of every epoch: an epoch costs what its rows and their matches cost. As only
//! sides that a stream may keep are kept (inner, outer towards the stream, semi, anti), nothing has
//! to be remembered of the static side between epochs.

mod build;
mod exec;
pub mod operator;
mod probe;
