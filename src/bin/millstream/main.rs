//! The command line of Millstream.

fn main() {}
