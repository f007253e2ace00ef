//! What a run prints: a line for each failure with its details below, and the counts.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a test runner prints its report")]

use crate::case::Case;
use crate::outcome::{Fallible, Outcome};

/// Counts how cases ended, and prints those that failed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    /// Takes note of the end of a case.
    pub(crate) fn add(&mut self, name: &str, outcome: &Fallible<Outcome>) {
        match outcome {
            Ok(Outcome::Passed) => self.passed += 1,
            Ok(Outcome::Skipped) => self.skipped += 1,
            Err(failure) => {
                self.failed += 1;
                println!("FAILED {name}: {}", indented(&failure.to_string()));
            }
        }
    }

    /// Prints the counts; whether nothing failed.
    pub(crate) fn finish(&self) -> bool {
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        self.failed == 0
    }
}

/// Prints something that a case has to show.
pub(crate) fn show(text: &str) {
    println!("{text}");
}

/// Prints the names of cases.
pub(crate) fn list(cases: &[Case]) {
    for case in cases {
        println!("{}: test", case.name);
    }
}

/// Prints why nothing was run.
pub(crate) fn complain(text: &str) {
    eprintln!("sql-tests: {text}");
}

fn indented(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("\n    ")
}
