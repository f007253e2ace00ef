//! What a user of sessions gets, where SQL cannot say it.

mod inspect;
mod listeners;
mod observe;
mod option_table;
mod relations;
mod statements;
mod writers;
