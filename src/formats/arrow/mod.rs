//! Files of Arrow IPC, in the form of a file or of a stream.

mod format;
mod lengths;

pub use format::ArrowFormat;

#[cfg(test)]
mod tests;
