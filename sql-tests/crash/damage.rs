//! Damaged files of a checkpoint: a restart says which file it is, and never gives other rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millstream::checkpoint::storage::LocalStorage;
use millstream::{Error, ErrorKind, StreamingQuery};

use crate::crash::subject::{Sink, Subject};
use crate::outcome::{Fallible, Outcome, ensure};

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    CutInHalf,
    Empty,
    Gone,
    FlippedByte,
}

const DAMAGES: [Damage; 4] = [Damage::CutInHalf, Damage::Empty, Damage::Gone, Damage::FlippedByte];

/// Damages each file of a checkpoint in each way, and goes on with more data.
pub(super) async fn damaged_files_are_named() -> Fallible<Outcome> {
    let expected = Subject::undisturbed(Sink::Files).await?;
    let whole = interrupted().await?;
    let mut files = Vec::new();
    find(whole.workspace.path(), Path::new("checkpoint"), &mut files)?;
    find(whole.workspace.path(), Path::new("out/_spark_metadata"), &mut files)?;
    files.sort();
    let mut failures = Vec::new();
    for (index, file) in files.iter().enumerate() {
        for damage in DAMAGES {
            if let Err(failure) = one(index, damage, &expected).await {
                failures.push(format!("{damage:?} {}: {failure}", file.display()));
            }
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))?;
    Ok(Outcome::Passed)
}

/// A query that has done two of its three files.
async fn interrupted() -> Fallible<Subject> {
    let subject = Subject::without_files(Sink::Files)?;
    subject.add_file()?;
    subject.add_file()?;
    subject.run(Arc::new(LocalStorage::new())).await?;
    subject.add_file()?;
    subject.add_last_file()?;
    Ok(subject)
}

async fn one(index: usize, damage: Damage, expected: &[String]) -> Fallible<()> {
    let subject = interrupted().await?;
    let mut files = Vec::new();
    find(subject.workspace.path(), Path::new("checkpoint"), &mut files)?;
    find(subject.workspace.path(), Path::new("out/_spark_metadata"), &mut files)?;
    files.sort();
    let Some(file) = files.get(index) else { return Ok(()) };
    inflict(damage, &subject.workspace.path().join(file))?;
    let ran = subject.run(Arc::new(LocalStorage::new())).await;
    match ran {
        Err(error) => check_error(file, &error),
        Ok(query) => check_rows(&subject, &query, expected).await,
    }
}

/// The error is about the data and names the file.
fn check_error(file: &Path, error: &Error) -> Fallible<()> {
    let text = error.to_string();
    // The file that says whose folder it is stands for the folder.
    let named = if file.ends_with(".query") { Path::new("out") } else { file };
    let name = named.strip_prefix("checkpoint").unwrap_or(named).to_string_lossy();
    ensure(text.contains(name.as_ref()), || format!("the error does not name {name}: {text}"))?;
    ensure(matches!(error.kind(), ErrorKind::Data | ErrorKind::Invalid), || {
        format!("the error is of the kind {:?}: {text}", error.kind())
    })
}

/// A file that nobody needed may be damaged without harm, if the rows are what they should be.
async fn check_rows(
    subject: &Subject,
    query: &StreamingQuery,
    expected: &[String],
) -> Fallible<()> {
    let rows = subject.rows().await?;
    ensure(rows == expected, || {
        let epochs: Vec<u64> =
            query.recent_progress().iter().map(|progress| progress.batch_id).collect();
        format!(
            "the query went on, and its rows differ\nexpected: {expected:?}\ngot:      {rows:?}\nepochs of the restart: {epochs:?}"
        )
    })
}

fn inflict(damage: Damage, file: &Path) -> Fallible<()> {
    let bytes = fs::read(file)?;
    match damage {
        Damage::CutInHalf => fs::write(file, &bytes[..bytes.len() / 2])?,
        Damage::Empty => fs::write(file, b"")?,
        Damage::Gone => fs::remove_file(file)?,
        Damage::FlippedByte => {
            let mut bytes = bytes;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x80;
            fs::write(file, bytes)?;
        }
    }
    Ok(())
}

/// All files below a folder, without those that no listing shows.
fn find(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Fallible<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            find(root, &path, files)?;
        } else if !entry.file_name().to_string_lossy().contains(".tmp") {
            files.push(path);
        }
    }
    Ok(())
}
