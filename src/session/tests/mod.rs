//! What only a whole session can show.

mod option_table;
mod writers;
