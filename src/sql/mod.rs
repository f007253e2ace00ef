//! From SQL text to a streaming logical plan.
//!
//! ```text
//!   text --> statement   what kind of statement, its clauses; queries stay sqlparser's
//!        --> tokens      STREAM, WATERMARK and Spark's literals become what the parser takes
//!        --> files       files that are named in FROM are opened and become tables
//!        --> ast         names get their true spelling, windows move below, columns their names
//!        --> constants   arguments that settle types, such as schemas, become literals
//!        --> planner     DataFusion's SqlToRel, with planners of ours for relations and types
//! ```

pub mod catalog;
pub mod extent;
pub mod files;
pub mod function_list;
pub mod functions;
pub mod planner;
pub mod set_types;
pub mod statement;
pub mod types;

mod aliases;
mod ast;
mod casts;
mod clauses;
mod constants;
mod cursor;
mod depth;
mod dialect;
mod escapes;
mod expr_planner;
mod interval;
mod lateral_view;
mod marker;
mod raw_strings;
mod relation_planner;
mod set_counts;
mod tables;
mod tokens;
mod words;

#[cfg(test)]
mod tests;
