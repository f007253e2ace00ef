//! The source `socket`: lines of text from a server, for trials.
//!
//! The server is asked for nothing twice: **what was read before a crash or a restart is lost**,
//! and a warning at the start says so. The numbers of offsets go on where the run before stopped,
//! with whatever the server sends then.
//!
//! ```text
//! offset 6   the line number 6 was the last; -1: there was none yet
//! ```
//!
//! When the server closes the connection, what was read so far is processed and the query waits on.

mod lines;
mod source;

#[cfg(test)]
mod tests;

pub use source::SocketSourceFactory;
