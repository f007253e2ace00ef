//! The options of the file source, read once.

use std::sync::Arc;

use object_store::path::Path;

use crate::connector::options::{OptionReader, Options};
use crate::error::{Error, Result};
use crate::event_time::text::parse_timestamp;
use crate::event_time::zone::TimeZone;
use crate::formats::format::FileFormat;
use crate::sources::file::folder_columns::names_a_column;
use crate::sources::file::format_options::format_by_name;
use crate::sources::file::glob::{NamePattern, is_hidden, split_path};
use crate::sources::file::option_docs::of_format;

const DEFAULT_MAX_AGE: i64 = 7 * 24 * 3_600_000;
const DEFAULT_CACHED_FILES: usize = 10_000;
const DEFAULT_DISCARD_RATIO: f64 = 0.2;

/// What the options of a file source say.
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// How the files are read.
    pub(super) format: Arc<dyn FileFormat>,
    pub(super) files: WhichFiles,
    /// The files of further paths.
    pub(super) more_files: Vec<WhichFiles>,
    pub(super) pace: Pace,
    /// How much older than the newest file taken a new file may be, in milliseconds; `None` where
    /// age does not count.
    pub(super) max_age: Option<i64>,
    pub(super) by_name_only: bool,
    /// What becomes of files whose rows are done.
    pub(super) clean: CleanSource,
    /// Which files are left out although their rows are wanted.
    pub(super) forgive: Forgive,
    /// Whether a file must have the checksum that the log of a file sink gives it.
    pub(super) verify_checksums: bool,
    /// When the files of a static table were last written.
    pub(super) modified: Modified,
}

/// What becomes of files whose rows are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CleanSource {
    Off,
    Delete,
    /// They are moved below this folder.
    Archive(String),
}

/// Which files are left out although their rows are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Forgive {
    /// Those that are broken, from where they are.
    pub(super) corrupt: bool,
    /// Those that are gone.
    pub(super) missing: bool,
}

/// When the files of a static table were last written: between two times, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Modified {
    pub(super) after: Option<String>,
    pub(super) before: Option<String>,
    /// The zone of these times; that of the session when it is not given.
    pub(super) zone: Option<TimeZone>,
}

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct WhichFiles {
    /// The path as it was given.
    pub(super) given: String,
    /// The part of the path before the first pattern.
    pub(super) fixed: String,
    /// The names and patterns after it.
    pub(super) patterns: Vec<NamePattern>,
    /// What names of files must match.
    pub(super) filter: Option<NamePattern>,
    /// Whether folders inside are read too, to any depth.
    pub(super) recursive: bool,
    /// The folder below which folders may have columns in their names, where it is not the path.
    pub(super) base_path: Option<String>,
}

/// How much an epoch takes, and in which order.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    pub(super) max: Option<MaxPerEpoch>,
    pub(super) latest_first: bool,
    /// How many files that were listed but not taken are kept for the next epochs.
    pub(super) max_cached: usize,
    /// Below which share of an epoch they are not worth keeping.
    pub(super) discard_ratio: f64,
}

/// The most that an epoch takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxPerEpoch {
    Files(u64),
    /// So many bytes, but one file at least.
    Bytes(u64),
}

impl FileOptions {
    /// Reads all options of a source of this format.
    ///
    /// # Errors
    /// `UnknownOption`, `InvalidOption`, `MissingOption`; `NotFound` for a format nobody reads.
    pub fn read(format: &str, options: &Options) -> Result<Self> {
        let mut reader = options.reader(format!("source `{format}`"), of_format(format));
        let format = format_by_name(format, &mut reader)?;
        let files = which_files(&mut reader)?;
        let more_files = more_files(&mut reader, &files)?;
        let pace = pace(&mut reader)?;
        let max_age = max_age(&mut reader)?;
        // Newest first and a limit leave old files behind; they must not become too old by that.
        let ignores_age = pace.latest_first && pace.max.is_some();
        let by_name_only = reader.flag("fileNameOnly", false)?;
        let clean = clean_source(&mut reader)?;
        let forgive = forgive(&mut reader)?;
        let verify_checksums = reader.flag("verifyChecksums", false)?;
        let modified = modified(&mut reader)?;
        reader.finish()?;
        let max_age = (!ignores_age).then_some(max_age);
        if !more_files.is_empty() && clean != CleanSource::Off {
            return Err(Error::unsupported(
                "files of several paths cannot be cleaned away; leave out `cleanSource` or `paths`",
            ));
        }
        Ok(Self {
            format,
            files,
            more_files,
            pace,
            max_age,
            by_name_only,
            clean,
            forgive,
            verify_checksums,
            modified,
        })
    }

    /// The files of each path.
    pub(super) fn places(&self) -> impl Iterator<Item = &WhichFiles> {
        std::iter::once(&self.files).chain(&self.more_files)
    }
}

impl WhichFiles {
    /// Whether a new file of this name in a folder would be one of these, which lie below `base`.
    pub(super) fn takes(&self, base: &Path, folder: &Path, file: &str) -> bool {
        let Some(folders) = folder.prefix_match(base) else { return false };
        let folders: Vec<String> = folders.map(|part| part.as_ref().to_owned()).collect();
        let is_wanted = |name: &str| !is_hidden(name);
        if !is_wanted(file) || self.filter.as_ref().is_some_and(|filter| !filter.matches(file)) {
            return false;
        }
        // The names that the patterns speak of, and the folders below those that match.
        let named: Vec<&str> = folders.iter().map(String::as_str).chain([file]).collect();
        let matches = |(pattern, name): (&NamePattern, &&str)| pattern.matches(name);
        if named.len() < self.patterns.len() || !self.patterns.iter().zip(&named).all(matches) {
            return false;
        }
        let below = folders.get(self.patterns.len()..).unwrap_or_default();
        let is_read = |folder: &String| self.recursive || names_a_column(folder);
        below.iter().all(|folder| is_wanted(folder) && is_read(folder))
    }
}

fn which_files(reader: &mut OptionReader<'_>) -> Result<WhichFiles> {
    let reason = "it is the folder, or the pattern of paths, that files are read from";
    let given = reader.required("path", reason)?.to_owned();
    if given.trim().is_empty() {
        return Err(reader.invalid("path", &given, reason));
    }
    let (fixed, patterns) = split(reader, "path", &given)?;
    let filter = match reader.text("pathGlobFilter").map(str::to_owned) {
        Some(text) => Some(
            NamePattern::parse(&text)
                .map_err(|why| reader.invalid("pathGlobFilter", &text, why))?,
        ),
        None => None,
    };
    let recursive = reader.flag("recursiveFileLookup", false)?;
    let base_path = reader.text("basePath").map(str::to_owned);
    Ok(WhichFiles { fixed, given, patterns, filter, recursive, base_path })
}

/// The files of the option `paths`, to which all else that is said of files applies too.
fn more_files(reader: &mut OptionReader<'_>, first: &WhichFiles) -> Result<Vec<WhichFiles>> {
    const NAME: &str = "paths";
    let Some(text) = reader.text(NAME).map(str::to_owned) else { return Ok(vec![]) };
    let reason = "it must be a JSON array of paths, such as `[\"/in/a\", \"/in/b\"]`";
    let paths: Vec<String> =
        serde_json::from_str(&text).map_err(|_error| reader.invalid(NAME, &text, reason))?;
    let mut all = vec![];
    for given in paths {
        if given.trim().is_empty() {
            return Err(reader.invalid(NAME, &text, reason));
        }
        let (fixed, patterns) = split(reader, NAME, &given)?;
        all.push(WhichFiles { fixed, given, patterns, ..first.clone() });
    }
    Ok(all)
}

fn split(reader: &OptionReader<'_>, name: &str, path: &str) -> Result<(String, Vec<NamePattern>)> {
    let (fixed, patterns) = split_path(path).map_err(|why| reader.invalid(name, path, why))?;
    Ok((fixed.to_owned(), patterns))
}

fn clean_source(reader: &mut OptionReader<'_>) -> Result<CleanSource> {
    let archive = reader.text("sourceArchiveDir").map(str::to_owned);
    let clean = reader.text("cleanSource").unwrap_or("off").to_owned();
    if let Some(folder) = archive.as_deref().filter(|_| !clean.eq_ignore_ascii_case("archive")) {
        let reason = "it is for `cleanSource` `archive`; leave it out or archive files";
        return Err(reader.invalid("sourceArchiveDir", folder, reason));
    }
    match clean.to_ascii_lowercase().as_str() {
        "off" => Ok(CleanSource::Off),
        "delete" => Ok(CleanSource::Delete),
        "archive" => archive.map(CleanSource::Archive).ok_or_else(|| Error::MissingOption {
            owner: reader.owner().to_owned(),
            option: "sourceArchiveDir".to_owned(),
            reason: "it is the folder that files are moved to with `cleanSource` `archive`"
                .to_owned(),
        }),
        _ => Err(reader.invalid("cleanSource", &clean, "it is `off`, `delete` or `archive`")),
    }
}

fn forgive(reader: &mut OptionReader<'_>) -> Result<Forgive> {
    let corrupt = reader.flag("ignoreCorruptFiles", false)?;
    let missing = reader.flag("ignoreMissingFiles", false)?;
    let mode = reader.given("mode").unwrap_or_default();
    if corrupt && mode.eq_ignore_ascii_case("FAILFAST") {
        let reason = "`mode` is FAILFAST, which fails for what would be left out; give one of them";
        return Err(reader.invalid("ignoreCorruptFiles", "true", reason));
    }
    Ok(Forgive { corrupt, missing })
}

fn modified(reader: &mut OptionReader<'_>) -> Result<Modified> {
    let mut modified = Modified::default();
    if let Some(zone) = reader.given("timeZone").map(str::to_owned) {
        modified.zone = TimeZone::find(&zone);
    }
    for (name, side) in
        [("modifiedAfter", &mut modified.after), ("modifiedBefore", &mut modified.before)]
    {
        if let Some(text) = reader.text(name).map(str::to_owned) {
            if parse_timestamp(&text, TimeZone::UTC).is_none() {
                let reason = "it must be a time such as `2024-01-31T12:00:00`";
                return Err(reader.invalid(name, &text, reason));
            }
            *side = Some(text);
        }
    }
    Ok(modified)
}

impl Modified {
    /// Whether files are chosen by when they were last written.
    pub(super) const fn is_given(&self) -> bool {
        self.after.is_some() || self.before.is_some()
    }

    /// Whether a file that was last written then, in microseconds, is meant.
    pub(super) fn takes(&self, modified: i64, session: TimeZone) -> bool {
        let zone = self.zone.unwrap_or(session);
        let micros = |side: &Option<String>| side.as_ref().and_then(|t| parse_timestamp(t, zone));
        micros(&self.after).is_none_or(|after| modified > after)
            && micros(&self.before).is_none_or(|before| modified < before)
    }
}

fn pace(reader: &mut OptionReader<'_>) -> Result<Pace> {
    let files = reader.positive("maxFilesPerTrigger")?;
    let bytes = reader.positive("maxBytesPerTrigger")?;
    let max = match (files, bytes) {
        (Some(_), Some(bytes)) => {
            let reason = "`maxFilesPerTrigger` is given too, and only one of them may be";
            return Err(reader.invalid("maxBytesPerTrigger", &bytes.to_string(), reason));
        }
        (files, bytes) => files.map(MaxPerEpoch::Files).or_else(|| bytes.map(MaxPerEpoch::Bytes)),
    };
    let latest_first = reader.flag("latestFirst", false)?;
    let max_cached = reader.parsed("maxCachedFiles", "it must be a whole number")?;
    let ratio = "discardCachedInputRatio";
    let expected = "it must be a number from 0 to 1";
    let discard_ratio: Option<f64> = reader.parsed(ratio, expected)?;
    match discard_ratio {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            return Err(reader.invalid(ratio, &value.to_string(), expected));
        }
        _ => (),
    }
    Ok(Pace {
        max,
        latest_first,
        max_cached: max_cached.unwrap_or(DEFAULT_CACHED_FILES),
        discard_ratio: discard_ratio.unwrap_or(DEFAULT_DISCARD_RATIO),
    })
}

fn max_age(reader: &mut OptionReader<'_>) -> Result<i64> {
    let Some(text) = reader.text("maxFileAge").map(str::to_owned) else {
        return Ok(DEFAULT_MAX_AGE);
    };
    millis(&text).ok_or_else(|| {
        let reason = "it must be a number and a unit (ms, s, m, h, d), such as `12h`";
        reader.invalid("maxFileAge", &text, reason)
    })
}

/// A time as Spark has it in options: a whole number and a unit, milliseconds without one.
fn millis(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let count: i64 = text[..end].parse().ok()?;
    match text[end..].trim().to_ascii_lowercase().as_str() {
        "us" => Some(count / 1_000),
        "" | "ms" => Some(count),
        "s" => count.checked_mul(1_000),
        "m" | "min" => count.checked_mul(60_000),
        "h" => count.checked_mul(3_600_000),
        "d" => count.checked_mul(24 * 3_600_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn read(pairs: &[(&str, &str)]) -> Result<FileOptions> {
        FileOptions::read("json", &pairs.iter().copied().collect())
    }

    #[test]
    fn values_are_checked_when_they_are_read() {
        for (name, value) in [
            ("maxFilesPerTrigger", "0"),
            ("maxFilesPerTrigger", "many"),
            ("maxBytesPerTrigger", "-1"),
            ("latestFirst", "perhaps"),
            ("maxFileAge", "old"),
            ("maxCachedFiles", "-1"),
            ("discardCachedInputRatio", "1.5"),
            ("discardCachedInputRatio", "NaN"),
            ("mode", "GUESS"),
            ("pathGlobFilter", "{a"),
            ("cleanSource", "burn"),
            ("sourceArchiveDir", "/done"),
            ("modifiedBefore", "yesterday"),
            ("lineSep", ""),
            ("encoding", "latin1"),
            ("dateFormat", "bb"),
            ("timeZone", "Nowhere/City"),
            ("locale", "de-DE"),
            ("samplingRatio", "0"),
        ] {
            let error = read(&[("path", "/in"), (name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(name), "{error}");
        }
        assert!(matches!(read(&[]), Err(Error::MissingOption { .. })));
        let archive = read(&[("path", "/in"), ("cleanSource", "ARCHIVE")]);
        assert!(matches!(archive, Err(Error::MissingOption { .. })));
        assert!(
            read(&[("path", "/in"), ("mode", "failfast"), ("ignoreCorruptFiles", "true")]).is_err()
        );
        let both = [("path", "/in"), ("maxFilesPerTrigger", "1"), ("maxBytesPerTrigger", "1")];
        assert!(read(&both).is_err());
    }

    #[test]
    fn an_option_that_does_nothing_here_is_refused() {
        let error = read(&[("path", "/in"), ("quote", "'")]).unwrap_err();
        assert!(matches!(error, Error::UnknownOption { .. }), "{error}");
        let error = read(&[("path", "/in"), ("compression", "gzip")]).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let options = [("path", "/in"), ("mode", "FAILFAST")].into_iter().collect();
        assert!(FileOptions::read("parquet", &options).is_err());
    }

    #[test]
    fn age_counts_unless_the_newest_files_come_first_within_a_limit() {
        let age = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = [("path", "/in")].iter().chain(pairs).copied().collect();
            read(&pairs).unwrap().max_age
        };
        assert_eq!(age(&[]), Some(DEFAULT_MAX_AGE));
        assert_eq!(age(&[("maxFileAge", "12h")]), Some(12 * 3_600_000));
        assert_eq!(age(&[("maxFileAge", "5")]), Some(5));
        assert_eq!(age(&[("latestFirst", "true")]), Some(DEFAULT_MAX_AGE));
        assert_eq!(age(&[("latestFirst", "true"), ("maxFilesPerTrigger", "1")]), None);
    }
}
