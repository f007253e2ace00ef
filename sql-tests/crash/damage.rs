//! Damaged files of a checkpoint and of a sink's log: a restart says which file it is, and never
//! gives other rows.

use std::collections::BTreeMap;
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
    FlippedAtStart,
    FlippedInTheMiddle,
    FlippedAtEnd,
    /// It is whole, and a copy of another file of its folder.
    ReplacedByNeighbour,
}

const DAMAGES: [Damage; 7] = [
    Damage::CutInHalf,
    Damage::Empty,
    Damage::Gone,
    Damage::FlippedAtStart,
    Damage::FlippedInTheMiddle,
    Damage::FlippedAtEnd,
    Damage::ReplacedByNeighbour,
];

/// The folders of which files are damaged.
const DAMAGED: [&str; 2] = ["checkpoint", "out/_spark_metadata"];

/// How many of the newest files of a folder are damaged: the older ones nobody reads.
const NEWEST: usize = 3;

/// Enough epochs for a compaction of the logs and for some after it.
const EARLY_EPOCHS: usize = 10;

/// Damages the newest files of each folder of a checkpoint in each way, and goes on with more data.
pub(super) async fn damaged_files_are_named() -> Fallible<Outcome> {
    let whole = Interrupted::run().await?;
    let expected = whole.rows_after_restart().await?;
    let mut failures = Vec::new();
    for file in whole.files()? {
        for damage in DAMAGES {
            if let Err(failure) = whole.restart_with(damage, &file, &expected).await {
                failures.push(format!("{damage:?} {}: {failure}", file.display()));
            }
        }
    }
    ensure(failures.is_empty(), || failures.join("\n"))?;
    Ok(Outcome::Passed)
}

/// A query that was interrupted with data left, and what its folders held then.
struct Interrupted {
    subject: Subject,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Interrupted {
    /// A query that has done some early files and two of its three files.
    async fn run() -> Fallible<Self> {
        let subject = Subject::without_files(Sink::Files)?;
        for _ in 0..EARLY_EPOCHS {
            subject.add_early_file()?;
        }
        subject.add_file()?;
        subject.add_file()?;
        subject.run(Arc::new(LocalStorage::new())).await?;
        let mut paths = Vec::new();
        for folder in ["checkpoint", "out"] {
            find(subject.workspace.path(), Path::new(folder), &mut paths)?;
        }
        let mut files = BTreeMap::new();
        for path in paths {
            let bytes = fs::read(subject.workspace.path().join(&path))?;
            files.insert(path, bytes);
        }
        subject.add_file()?;
        subject.add_last_file()?;
        Ok(Self { subject, files })
    }

    /// The files that are damaged.
    fn files(&self) -> Fallible<Vec<PathBuf>> {
        let is_damaged = |file: &&PathBuf| DAMAGED.iter().any(|folder| file.starts_with(folder));
        let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for file in self.files.keys().filter(is_damaged) {
            let folder = file.parent().ok_or("a file has no folder")?.to_owned();
            folders.entry(folder).or_default().push(file.clone());
        }
        let mut newest = Vec::new();
        for mut files in folders.into_values() {
            files.sort_by_key(|file| (number(file), file.clone()));
            newest.extend(files.into_iter().rev().take(NEWEST));
        }
        Ok(newest)
    }

    /// Puts everything back as it was.
    fn restore(&self) -> Fallible<()> {
        for folder in ["checkpoint", "out"] {
            fs::remove_dir_all(self.subject.workspace.path().join(folder))?;
        }
        for (path, bytes) in &self.files {
            let path = self.subject.workspace.path().join(path);
            fs::create_dir_all(path.parent().ok_or("a file has no folder")?)?;
            fs::write(path, bytes)?;
        }
        Ok(())
    }

    async fn rows_after_restart(&self) -> Fallible<Vec<String>> {
        self.subject.run(Arc::new(LocalStorage::new())).await?;
        self.subject.rows().await
    }

    async fn restart_with(&self, damage: Damage, file: &Path, expected: &[String]) -> Fallible<()> {
        self.restore()?;
        if !inflict(damage, &self.subject.workspace.path().join(file))? {
            return Ok(());
        }
        match self.subject.run(Arc::new(LocalStorage::new())).await {
            Err(error) => check_error(file, &error),
            Ok(query) => check_rows(&self.subject, &query, expected).await,
        }
    }
}

/// The number that a name begins with.
fn number(file: &Path) -> Option<u64> {
    let name = file.file_name()?.to_string_lossy().into_owned();
    let digits = name.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(name.len());
    name[..digits].parse().ok()
}

/// The error is about the data and names the file.
fn check_error(file: &Path, error: &Error) -> Fallible<()> {
    let text = error.to_string();
    let named =
        file.strip_prefix("out").or_else(|_| file.strip_prefix("checkpoint")).unwrap_or(file);
    let name = named.to_string_lossy();
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

/// Damages a file; false where it has no neighbour to be replaced by.
fn inflict(damage: Damage, file: &Path) -> Fallible<bool> {
    let mut bytes = fs::read(file)?;
    let (middle, end) = (bytes.len() / 2, bytes.len().saturating_sub(2));
    let start = end.min(3);
    match damage {
        Damage::CutInHalf => bytes.truncate(middle),
        Damage::Empty => bytes.clear(),
        Damage::Gone => {
            fs::remove_file(file)?;
            return Ok(true);
        }
        Damage::FlippedAtStart => bytes[start] ^= 4,
        Damage::FlippedInTheMiddle => bytes[middle] ^= 0x80,
        Damage::FlippedAtEnd => bytes[end] ^= 4,
        Damage::ReplacedByNeighbour => {
            let Some(neighbour) = neighbour(file)? else { return Ok(false) };
            bytes = fs::read(neighbour)?;
        }
    }
    fs::write(file, bytes)?;
    Ok(true)
}

/// The file before this one in its folder, or the one after it.
fn neighbour(file: &Path) -> Fallible<Option<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(file.parent().ok_or("a file has no folder")?)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.path() != file {
            files.push(entry.path());
        }
    }
    files.sort_by_key(|file| (number(file), file.clone()));
    let before = files.iter().rev().find(|other| number(other) < number(file));
    Ok(before.or_else(|| files.first()).cloned())
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
