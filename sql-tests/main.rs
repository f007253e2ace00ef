//! The integration tests: queries as a user runs them, from their files to their results.
//!
//! ```text
//! cargo test --features test-util --test sql-tests -- [GROUP..] [NAME FILTER..] [--complete] [--list]
//! ```
//!
//! Each group of cases has a folder of the same name, README.md tells what it is for. Without a
//! group all run; a case runs when its name holds one of the filters, or when there is none. The
//! last line counts what passed, failed and was skipped.

mod arguments;
mod case;
mod cli;
mod collector;
mod crash;
mod differential;
mod examples;
mod kill;
mod outcome;
mod property;
mod render;
mod report;
mod slt;
mod spark;
mod values;
mod workspace;

use std::process::ExitCode;

use crate::arguments::{Arguments, Group};
use crate::case::Case;
use crate::outcome::Fallible;
use crate::report::Report;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Whether no case failed.
fn run() -> Fallible<bool> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let mut cases = Vec::new();
    for group in &arguments.groups {
        cases.extend(cases_of(*group, &arguments)?);
    }
    cases.retain(|case| arguments.wants(&case.name));
    if arguments.list {
        report::list(&cases);
        return Ok(true);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(case::run_all(cases, &mut report));
    runtime.shutdown_background();
    Ok(report.finish())
}

fn cases_of(group: Group, arguments: &Arguments) -> Fallible<Vec<Case>> {
    match group {
        Group::Spark => spark::cases(),
        Group::Slt => slt::cases(arguments.complete),
        Group::Differential => differential::cases(),
        Group::Property => property::cases(),
        Group::Crash => Ok(crash::cases()),
        Group::Kill => kill::cases(),
        Group::Cli => cli::cases(),
        Group::Examples => Ok(examples::cases()),
    }
}
