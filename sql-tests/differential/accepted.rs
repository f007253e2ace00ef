//! The list of differences that are known, each under its reason.
//!
//! ```text
//! # why the answers below differ
//! topic: SELECT ..
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::outcome::{Fallible, ensure};

/// All reasons in the list.
pub(super) fn reasons(path: &Path) -> Fallible<Vec<String>> {
    let text = fs::read_to_string(path)?;
    let reasons = text.lines().filter_map(|line| line.strip_prefix("# "));
    Ok(reasons.map(|reason| reason.trim().to_owned()).collect())
}

/// The accepted differences of one topic.
#[derive(Debug)]
pub(super) struct Accepted {
    questions: BTreeSet<String>,
}

impl Accepted {
    /// Reads those of `topic` from the list of all.
    pub(super) fn read(path: &Path, topic: &str) -> Fallible<Self> {
        let mut questions = BTreeSet::new();
        let mut has_reason = false;
        for line in fs::read_to_string(path)?.lines().map(str::trim) {
            if line.is_empty() {
                continue;
            }
            if line.starts_with('#') {
                has_reason = line.trim_start_matches('#').trim().len() > 10;
                continue;
            }
            ensure(has_reason, || format!("`{line}` is accepted without a reason"))?;
            let (of, sql) = line.split_once(": ").ok_or_else(|| format!("what is `{line}`?"))?;
            if of == topic {
                questions.insert(sql.to_owned());
            }
        }
        Ok(Self { questions })
    }

    /// Whether the answer to a question may differ.
    pub(super) fn has(&self, sql: &str) -> bool {
        self.questions.contains(sql)
    }

    /// What is accepted but not among the questions.
    pub(super) fn unknown<'a>(
        &'a self,
        asked: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = &'a str> {
        let asked: BTreeSet<&str> = asked.collect();
        self.questions.iter().map(String::as_str).filter(move |sql| !asked.contains(sql))
    }
}
