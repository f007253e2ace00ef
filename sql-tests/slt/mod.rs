//! SQL with its expected results: `*.slt` files by topic, and the steps that only tests need.
//!
//! Every file has a session, a clock and a folder of its own. README.md has the steps in a table.

mod column_type;
mod database;
mod fault_point;
mod program;
mod step;

use std::fs;
use std::path::{Path, PathBuf};

use sqllogictest::{Record, Runner, strict_column_validator};

use crate::case::Case;
use crate::outcome::{Failure, Fallible, Outcome, ensure};
use crate::slt::column_type::ColumnLetter;
use crate::slt::database::Database;
use crate::slt::fault_point::{FaultPoint, POINT};

/// One case for each file; `complete` writes what came out into the files.
pub(crate) fn cases(complete: bool) -> Fallible<Vec<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests");
    let mut files = Vec::new();
    find(&root, &mut files)?;
    files.sort();
    Ok(files.into_iter().map(|file| case(&root, file, complete)).collect())
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Fallible<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            files.push(path);
        }
    }
    Ok(())
}

fn case(root: &Path, file: PathBuf, complete: bool) -> Case {
    let name = file.strip_prefix(root).unwrap_or(&file).with_extension("");
    Case::new(format!("slt/{}", name.display()), move || async move {
        let records = read(&file)?;
        if !fs::read_to_string(&file)?.contains(POINT) {
            run(&file, records, None, complete).await?;
            return Ok(Outcome::Passed);
        }
        for point in FaultPoint::all() {
            run(&file, records.clone(), Some(point), complete)
                .await
                .map_err(|failure| format!("{failure}\nwith {POINT} = {point}"))?;
        }
        Ok(Outcome::Passed)
    })
}

/// Reads a file and holds it to the manners of README.md.
fn read(file: &Path) -> Fallible<Vec<Record<ColumnLetter>>> {
    let records = sqllogictest::parse_file::<ColumnLetter>(file)?;
    ensure(matches!(records.first(), Some(Record::Comment(_))), || {
        "the first line is not a comment that states the promise".to_owned()
    })?;
    for record in &records {
        let refused = match record {
            Record::Sleep { loc, .. } => Some((loc, "sleep: nothing may depend on real time")),
            Record::System { loc, .. } => Some((loc, "system: there is a step for it, or none")),
            Record::Statement { loc, retry: Some(_), .. }
            | Record::Query { loc, retry: Some(_), .. } => {
                Some((loc, "retry: a step returns when what it waits for has come"))
            }
            _ => None,
        };
        if let Some((place, why)) = refused {
            return Err(format!("line {} has a record that is refused: {why}", place.line()).into());
        }
    }
    Ok(records)
}

async fn run(
    file: &Path,
    records: Vec<Record<ColumnLetter>>,
    point: Option<FaultPoint>,
    complete: bool,
) -> Fallible<()> {
    let mut runner = Runner::new(move || async move { Database::new(point) });
    runner.with_column_validator(strict_column_validator);
    let ran = if complete {
        let validator = sqllogictest::default_validator;
        let normalizer = sqllogictest::default_normalizer;
        runner
            .update_test_file(file, " ", validator, normalizer, strict_column_validator)
            .await
            .map_err(|error| Failure::from(error.to_string()))
    } else {
        runner.run_multi_async(records).await.map_err(|error| readable(&error.to_string()))
    };
    runner.shutdown_async().await;
    ran
}

/// Puts the place, which is at the end of a message, to its beginning.
fn readable(message: &str) -> Failure {
    let message = message.trim_end();
    let (what, place) = message.rsplit_once("\nat ").unwrap_or((message, ""));
    let line = place.rsplit(':').next().unwrap_or_default();
    Failure::from(format!("line {line}: {what}"))
}
