//! The steps that tests have besides SQL.

use std::time::Duration;

use millstream::event_time::interval::parse_interval;

use crate::outcome::Fallible;

/// A step of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// `ADD DATA t VALUES ..`: rows for a memory table.
    AddData { table: String, values: String },
    /// `ADD FILE path`, then lines: a file below the folder of the case.
    AddFile { path: String, text: String },
    /// `REMOVE FOLDER path`: a folder below the folder of the case, with all that is in it.
    RemoveFolder { path: String },
    /// `PROCESS ALL AVAILABLE q`
    Process { query: String },
    /// `AWAIT EPOCH q n`
    AwaitEpoch { query: String, epoch: u64 },
    /// `AWAIT END q`
    AwaitEnd { query: String },
    /// `ADVANCE CLOCK BY INTERVAL '..'`
    Advance { by: Duration },
    /// `CRASH q AT point`
    Crash { query: String, point: String },
    /// `RESTART q`
    Restart { query: String },
    /// `CHECK NEW q`
    CheckNew { query: String },
    /// `CHECK ALL q`
    CheckAll { query: String },
    /// `CHECK PROGRESS q field, ..`: the newest epoch.
    CheckProgress { query: String, fields: Vec<String> },
    /// `CHECK EPOCHS q field, ..`: the epochs since the last such check.
    CheckEpochs { query: String, fields: Vec<String> },
}

impl Step {
    /// Reads a record; `None` for what is SQL.
    pub(super) fn parse(text: &str) -> Fallible<Option<Self>> {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let words: Vec<&str> = first.split_whitespace().collect();
        let step = match words.as_slice() {
            ["ADD", "DATA", table, ..] => Self::AddData {
                table: (*table).to_owned(),
                values: after(text, table).trim().to_owned(),
            },
            ["ADD", "FILE", path] => {
                Self::AddFile { path: (*path).to_owned(), text: rest.to_owned() }
            }
            ["REMOVE", "FOLDER", path] => Self::RemoveFolder { path: (*path).to_owned() },
            ["PROCESS", "ALL", "AVAILABLE", query] => Self::Process { query: (*query).to_owned() },
            ["AWAIT", "EPOCH", query, epoch] => {
                Self::AwaitEpoch { query: (*query).to_owned(), epoch: epoch.parse()? }
            }
            ["AWAIT", "END", query] => Self::AwaitEnd { query: (*query).to_owned() },
            ["ADVANCE", "CLOCK", "BY", "INTERVAL", ..] => {
                let text = after(text, "INTERVAL").trim();
                let interval = parse_interval(text.trim_matches('\''))?;
                Self::Advance { by: Duration::from_micros(interval.micros.try_into()?) }
            }
            ["CRASH", query, "AT", point] => {
                Self::Crash { query: (*query).to_owned(), point: (*point).to_owned() }
            }
            ["RESTART", query] => Self::Restart { query: (*query).to_owned() },
            ["CHECK", "NEW", query] => Self::CheckNew { query: (*query).to_owned() },
            ["CHECK", "ALL", query] => Self::CheckAll { query: (*query).to_owned() },
            ["CHECK", "PROGRESS", query, ..] => {
                Self::CheckProgress { query: (*query).to_owned(), fields: fields(text, query) }
            }
            ["CHECK", "EPOCHS", query, ..] => {
                Self::CheckEpochs { query: (*query).to_owned(), fields: fields(text, query) }
            }
            [
                "ADD" | "REMOVE" | "PROCESS" | "AWAIT" | "ADVANCE" | "CRASH" | "RESTART" | "CHECK",
                ..,
            ] => {
                return Err(format!("there is no step `{first}`; README.md has all").into());
            }
            _ => return Ok(None),
        };
        Ok(Some(step))
    }
}

/// What follows the first `word`.
fn after<'a>(text: &'a str, word: &str) -> &'a str {
    text.split_once(word).map_or("", |(_, rest)| rest)
}

fn fields(text: &str, query: &str) -> Vec<String> {
    let rest = text.split_whitespace().skip_while(|word| *word != query).skip(1);
    let rest = rest.collect::<Vec<_>>().join(" ");
    rest.split(',').map(|field| field.trim().to_owned()).collect()
}
