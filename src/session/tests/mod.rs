//! What a user of sessions gets, where SQL cannot say it.

mod listeners;
mod observe;
mod relations;
