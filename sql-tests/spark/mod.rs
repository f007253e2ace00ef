//! Recorded runs of Spark: each `*.json` says what to run and what Spark answered in every
//! micro-batch.
//!
//! Every scenario runs with one and with several partitions of state, which nobody may notice.
//! `MILLSTREAM_SPARK_SCENARIOS` names another folder of scenarios, `MILLSTREAM_SPARK_ALL=1` runs
//! those too that belong to work still to come.

mod compare;
mod engine;
mod scenario;

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::outcome::{Fallible, Outcome, at};
use crate::spark::scenario::Scenario;

/// Names the folder of the scenarios; a relative one lies below the package.
const FOLDER: &str = "MILLSTREAM_SPARK_SCENARIOS";

/// Runs scenarios of [`SKIPPED_PARTS`] too when it is `1`.
const ALL: &str = "MILLSTREAM_SPARK_ALL";

/// The pieces of work that are still to come, by the tag of their scenarios.
const SKIPPED_PARTS: &[&str] = &["part:stateful"];

/// How many partitions the state has.
const PARTITIONS: [usize; 2] = [1, 5];

/// One case for each scenario.
pub(crate) fn cases() -> Fallible<Vec<Case>> {
    let folder = folder();
    let mut files: Vec<PathBuf> = Vec::new();
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("cannot read the scenarios in {}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("there are no scenarios in {}", folder.display()).into());
    }
    Ok(files.into_iter().map(case).collect())
}

fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty());
    package.join(given.map_or_else(|| PathBuf::from("sql-tests/spark"), PathBuf::from))
}

fn case(file: PathBuf) -> Case {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = format!("spark/{}", stem.unwrap_or_default());
    Case::new(name, move || async move {
        let text = fs::read_to_string(&file)?;
        let scenario: Scenario = serde_json::from_str(&text)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        if is_skipped(&scenario) {
            return Ok(Outcome::Skipped);
        }
        for partitions in PARTITIONS {
            Box::pin(run(&scenario, partitions))
                .await
                .map_err(|failure| at(&format!("{partitions} state partitions"), &failure))?;
        }
        Ok(Outcome::Passed)
    })
}

async fn run(scenario: &Scenario, partitions: usize) -> Fallible<()> {
    let ran = Box::pin(engine::run(scenario, partitions)).await?;
    compare::compare(scenario, &ran)
        .map_err(|failure| format!("{failure}\n{}", about(scenario)).into())
}

/// What a reader of a failure needs to know of the scenario.
fn about(scenario: &Scenario) -> String {
    let mut text = format!("{} mode: {}", scenario.output_mode, scenario.query);
    for view in &scenario.views {
        text.push_str(&format!("\nview {view}"));
    }
    if !scenario.description.is_empty() {
        text.push_str(&format!("\nabout: {}", scenario.description));
    }
    text
}

fn is_skipped(scenario: &Scenario) -> bool {
    let all = std::env::var(ALL).is_ok_and(|all| all == "1");
    let parts: Vec<&str> =
        scenario.tags.iter().map(String::as_str).filter(|tag| tag.starts_with("part:")).collect();
    !all && !parts.is_empty() && parts.iter().all(|part| SKIPPED_PARTS.contains(part))
}
