//! A failure at every write: the run is cut short there, a new one goes on, and the sink has what
//! an undisturbed run gives.

use std::sync::Arc;

use millstream::checkpoint::storage::LocalStorage;
use millstream::connector::storage::Storage;
use millstream::testing::fault::{FaultMode, Faults, FaultyStorage};
use millstream::{Error, StreamingQuery};

use crate::crash::subject::{Sink, Subject};
use crate::outcome::{Failure, Fallible, Outcome, ensure};
use crate::report;

/// Prints the table of fault points when it is `1`.
const TABLE: &str = "MILLSTREAM_CRASH_TABLE";

/// The name of a way to fail.
pub(super) const fn mode_name(mode: FaultMode) -> &'static str {
    match mode {
        FaultMode::FailBefore => "fails_before",
        FaultMode::FailAfter => "fails_after",
        FaultMode::DieBefore => "dies_before",
        FaultMode::DieAfter => "dies_after",
    }
}

/// Cuts the query short at each of its writes in turn.
pub(super) async fn every_write(sink: Sink, mode: FaultMode) -> Fallible<Outcome> {
    let expected = Subject::undisturbed(sink).await?;
    let faults = Faults::new();
    Subject::new(sink)?.run(faulty(&faults)).await?;
    ensure(expected.len() >= 4, || format!("the undisturbed run gave {expected:?}"))?;
    let mut table = Vec::new();
    for number in 0..faults.count() {
        let line = one_write(sink, mode, number, &expected).await.map_err(|failure| {
            let write = &faults.writes()[number];
            Failure::from(format!("write {number}, {:?} {}: {failure}", write.kind, write.path))
        })?;
        table.extend(line);
    }
    if std::env::var(TABLE).is_ok_and(|value| value == "1") {
        report::show(&table.join("\n"));
    }
    Ok(Outcome::Passed)
}

fn faulty(faults: &Faults) -> Arc<dyn Storage> {
    Arc::new(FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone()))
}

/// The line of the table; none when the run had fewer writes than the undisturbed one.
async fn one_write(
    sink: Sink,
    mode: FaultMode,
    number: usize,
    expected: &[String],
) -> Fallible<Option<String>> {
    let subject = Subject::new(sink)?;
    let faults = Faults::new();
    faults.arm(number, mode);
    let first = subject.run(faulty(&faults)).await;
    let Some(hit) = faults.writes().get(number).cloned() else {
        return Ok(None);
    };
    let logs = subject.logs()?;
    check_visible(&subject, expected).await?;
    subject.add_last_file()?;
    let second = subject.run(Arc::new(LocalStorage::new())).await?;
    let rows = subject.rows().await?;
    ensure(rows == expected, || {
        format!(
            "the rows differ after the restart\nexpected: {expected:?}\ngot:      {rows:?}\nthe run ended with {}",
            ended(&first)
        )
    })?;
    let line = format!(
        "{:<13} {:<12} {:<9} {:<44} -> {}",
        sink.name(),
        mode_name(mode),
        format!("{:?}", hit.kind).to_lowercase(),
        without_random(&hit.path),
        restart(logs, &second, first.is_ok())
    );
    Ok(Some(line))
}

/// What readers see after the crash is a part of the result, and nothing else.
async fn check_visible(subject: &Subject, expected: &[String]) -> Fallible<()> {
    let rows = subject.rows().await?;
    let mut left = expected.to_vec();
    for row in &rows {
        match left.iter().position(|other| other == row) {
            Some(found) => {
                left.swap_remove(found);
            }
            None => {
                return Err(format!("readers saw {row} before the restart, among {rows:?}").into());
            }
        }
    }
    Ok(())
}

fn ended(run: &Result<StreamingQuery, Error>) -> String {
    run.as_ref().map_or_else(Error::to_string, |_query| "no error".to_owned())
}

/// What a restart did, from what it found.
fn restart(
    (offsets, commits): (Option<u64>, Option<u64>),
    second: &StreamingQuery,
    was_harmless: bool,
) -> String {
    let reports = second.recent_progress();
    let epochs = reports.iter().filter(|report| report.is_epoch());
    let epochs: Vec<u64> = epochs.map(|report| report.batch_id).collect();
    let before = if was_harmless { "the run went on by itself; " } else { "" };
    let did = match epochs.first() {
        None => "found nothing left to do".to_owned(),
        Some(first) if offsets == Some(*first) && commits < offsets => {
            format!("ran epoch {first} again, with the offsets that were logged")
        }
        Some(0) => "began with epoch 0".to_owned(),
        Some(first) => format!("went on with epoch {first}"),
    };
    format!("{before}{did}")
}

/// A path whose random part is left out, so that tables can be compared.
fn without_random(path: &str) -> String {
    let is_random = |part: &str| part.len() == 36 && part.matches('-').count() == 4;
    match path.find("part-").and_then(|at| path.get(at + 11..at + 47)) {
        Some(random) if is_random(random) => path.replace(random, "*"),
        _ => path.to_owned(),
    }
}
