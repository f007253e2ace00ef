//! `millstream sql` without statements: a shell that reads them from the terminal or from a pipe.
//!
//! ```text
//! input --> interact     statements and commands one after the other, queries run on meanwhile
//!   |       |- commands  what begins with a dot
//!   |       '- place     where in the text an error is
//!   '- editor            lines of a terminal: history, completion
//! ```

mod commands;
mod editor;
mod input;
mod interact;
mod names;
mod place;

pub(crate) use interact::run;
