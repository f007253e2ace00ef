//! Queries over a few values each, answered by real Spark: Millstream's answers must be the same,
//! or the difference is in `accepted.txt` with its reason.
//!
//! `record.py` asks Spark the questions of `topics/` and writes `answers/`. A difference that is
//! accepted and is not there any more is a failure too, so that the list stays true.
//! `MILLSTREAM_DIFFERENCES=1` writes all differences to the standard output, whether accepted or not.

mod accepted;
mod answer;

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::differential::accepted::Accepted;
use crate::differential::answer::{Question, Topic};
use crate::outcome::{Fallible, Outcome, ensure};
use crate::report;

/// Shows every difference when it is `1`.
const SHOW: &str = "MILLSTREAM_DIFFERENCES";

/// One case for each topic.
pub(crate) fn cases() -> Fallible<Vec<Case>> {
    let folder = folder().join("answers");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&folder)? {
        files.push(entry?.path());
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() {
        return Err(format!("there are no answers in {}", folder.display()).into());
    }
    check_document()?;
    Ok(files.into_iter().map(case).collect())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/differential")
}

/// Every reason to accept a difference is told to users.
fn check_document() -> Fallible<()> {
    let told = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/spark-differences.md");
    let told = fs::read_to_string(told)?;
    for reason in accepted::reasons(&folder().join("accepted.txt"))? {
        ensure(told.contains(&reason), || {
            format!("docs/spark-differences.md does not say that {reason}")
        })?;
    }
    Ok(())
}

fn case(file: PathBuf) -> Case {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Case::new(format!("differential/{stem}"), move || async move {
        let topic = Topic::read(&file)?;
        let accepted = Accepted::read(&folder().join("accepted.txt"), &topic.topic)?;
        Box::pin(run(&topic, &accepted)).await?;
        Ok(Outcome::Passed)
    })
}

async fn run(topic: &Topic, accepted: &Accepted) -> Fallible<()> {
    let session = topic.session().await?;
    let show = std::env::var(SHOW).is_ok_and(|show| show == "1");
    let mut wrong = Vec::new();
    let mut differences = 0;
    for question in &topic.answers {
        let difference = Box::pin(question.ask(&session)).await?;
        let is_accepted = accepted.has(&question.sql);
        differences += usize::from(difference.is_some());
        if let Some(text) = &difference
            && show
        {
            report::complain(&format!("{}: {}\n    {text}", topic.topic, question.sql));
        }
        match (difference, is_accepted) {
            (Some(text), false) => wrong.push(format!("{}\n    {text}", question.sql)),
            (None, true) => wrong.push(gone(question)),
            _ => (),
        }
    }
    let unknown = accepted.unknown(topic.answers.iter().map(|question| question.sql.as_str()));
    wrong.extend(unknown.map(|sql| format!("{sql}\n    accepted, but nobody asks it")));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} of {} answers differ from Spark's, {} things to look at\n{}",
        differences,
        topic.answers.len(),
        wrong.len(),
        wrong.join("\n")
    )
    .into())
}

fn gone(question: &Question) -> String {
    format!("{}\n    is as Spark answers it now: take it off the list", question.sql)
}
