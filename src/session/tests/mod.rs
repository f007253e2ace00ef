//! What a user of sessions gets, where SQL cannot say it.

mod inspect;
mod listeners;
mod observe;
mod option_table;
mod relations;
mod script_check;
mod statements;
mod writers;
