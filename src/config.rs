//! Settings of a session: plain data under Spark's names.
//!
//! What Spark has is spelled as Spark spells it (`spark.sql.streaming.…`); what only Millstream has
//! begins with `millstream.`. Names are compared without regard to case. Other names of Spark's are
//! taken too, so that a script written for Spark runs: they have no effect, and can be read back;
//! those that would change answers take no other value than the one that holds here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How many partitions the state of a new operator gets. May change between runs.
pub const SHUFFLE_PARTITIONS: &str = "spark.sql.shuffle.partitions";
/// Whether the watermark of a query is the least (`min`) or the greatest (`max`) of its inputs'.
pub const WATERMARK_POLICY: &str = "spark.sql.streaming.multipleWatermarkPolicy";
/// Whether an epoch without input follows when the watermark moved.
pub const NO_DATA_EPOCHS: &str = "spark.sql.streaming.noDataMicroBatches.enabled";
/// How many epochs stay in the logs of a checkpoint.
pub const MIN_BATCHES_TO_RETAIN: &str = "spark.sql.streaming.minBatchesToRetain";
/// How many changelogs a partition gathers before a snapshot is made of them.
pub const MIN_DELTAS_FOR_SNAPSHOT: &str = "spark.sql.streaming.stateStore.minDeltasForSnapshot";
/// How long an idle query waits before it asks its sources again, in milliseconds.
pub const POLLING_DELAY: &str = "spark.sql.streaming.pollingDelay";
/// How often an idle query reports that it has nothing to do, in milliseconds.
pub const IDLE_INTERVAL: &str = "spark.sql.streaming.noDataProgressEventInterval";
/// How many progress reports a query keeps.
pub const RECENT_PROGRESS: &str = "spark.sql.streaming.numRecentProgressUpdates";
/// The folder in which queries without a `checkpointLocation` get one, under their name.
pub const CHECKPOINT_ROOT: &str = "spark.sql.streaming.checkpointLocation";
/// Whether a file source may infer its schema.
pub const SCHEMA_INFERENCE: &str = "spark.sql.streaming.schemaInference";
/// The time zone in which points in time are printed. Functions work in UTC.
pub const TIME_ZONE: &str = "spark.sql.session.timeZone";

/// Whether a run takes over a checkpoint whose last run is not known to have ended.
pub const TAKEOVER: &str = "millstream.query.takeover";

/// How often the recursive part of a recursive query runs at most; -1 is no bound.
pub const CTE_LEVELS: &str = "spark.sql.cteRecursionLevelLimit";
/// From how many rows on a recursive query does not go on; -1 is no bound.
pub const CTE_ROWS: &str = "spark.sql.cteRecursionRowLimit";

/// Whether arithmetic overflows, and bad values fail, instead of wrapping around and giving NULL.
pub const ANSI: &str = "spark.sql.ansi.enabled";

/// Whether GROUP BY may name an alias of SELECT.
pub const GROUP_BY_ALIASES: &str = "spark.sql.groupByAliases";

/// Every setting with its default. `spark.sql.shuffle.partitions` depends on the machine.
const DEFAULTS: &[(&str, &str)] = &[
    (SHUFFLE_PARTITIONS, ""),
    (WATERMARK_POLICY, "min"),
    (NO_DATA_EPOCHS, "true"),
    (MIN_BATCHES_TO_RETAIN, "100"),
    (MIN_DELTAS_FOR_SNAPSHOT, "10"),
    (POLLING_DELAY, "10"),
    (IDLE_INTERVAL, "10000"),
    (RECENT_PROGRESS, "100"),
    (CHECKPOINT_ROOT, ""),
    (SCHEMA_INFERENCE, "false"),
    (TIME_ZONE, "UTC"),
    (ANSI, "true"),
    (TAKEOVER, "true"),
    (CTE_LEVELS, "100"),
    (CTE_ROWS, "1000000"),
    (GROUP_BY_ALIASES, "true"),
];

/// The settings whose value at a query's first start stays with its checkpoint.
pub const PINNED: &[&str] = &[WATERMARK_POLICY, TIME_ZONE];

/// Settings of Spark's that change answers, with the one value that holds here.
const FIXED: &[(&str, &str)] = &[
    ("spark.sql.ansi.doubleQuotedIdentifiers", "false"),
    ("spark.sql.caseSensitive", "false"),
    ("spark.sql.decimalOperations.allowPrecisionLoss", "true"),
    ("spark.sql.groupByOrdinal", "true"),
    ("spark.sql.legacy.timeParserPolicy", "CORRECTED"),
    ("spark.sql.mapKeyDedupPolicy", "EXCEPTION"),
    ("spark.sql.orderByOrdinal", "true"),
    ("spark.sql.parser.escapedStringLiterals", "false"),
    ("spark.sql.storeAssignmentPolicy", "ANSI"),
    ("spark.sql.timestampType", "TIMESTAMP_LTZ"),
];

/// What begins the name of a setting of Spark's.
const SPARK: &str = "spark.";

/// The value of a setting of Spark's that was never set and has no effect, as Spark shows it.
const UNDEFINED: &str = "<undefined>";

/// Settings that differ from their defaults, by name as in [`DEFAULTS`](self); those of Spark's
/// that are not there by name in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// Sets one.
    ///
    /// # Errors
    /// `UnknownOption` for a name that no setting has and that is none of Spark's,
    /// `InvalidOption` for a value it cannot take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match known(name) {
            Some((known, _)) => {
                check(known, value)?;
                self.0.insert(known.to_owned(), value.to_owned());
            }
            None if is_spark(name) => {
                self.0.insert(name.to_ascii_lowercase(), value.to_owned());
            }
            None => return Err(unknown(name)),
        }
        Ok(())
    }

    /// The value of one: what was set, or its default.
    ///
    /// # Errors
    /// `UnknownOption` for a name that no setting has and that is none of Spark's.
    pub fn get(&self, name: &str) -> Result<&str> {
        match known(name) {
            Some((known, default)) => Ok(self.0.get(known).map_or(default, String::as_str)),
            None if is_spark(name) => {
                Ok(self.0.get(&name.to_ascii_lowercase()).map_or(UNDEFINED, String::as_str))
            }
            None => Err(unknown(name)),
        }
    }

    /// What there is to say of a setting that is taken and has no effect; none for all others.
    pub fn note(name: &str) -> Option<String> {
        if known(name).is_some() || !is_spark(name) {
            return None;
        }
        let meant = likeness(name)
            .filter(|(likeness, _)| *likeness > 0.9)
            .map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"));
        Some(format!("the setting `{name}` has no effect in millstream{meant}"))
    }

    /// How many partitions a new operator's state gets, if that was set.
    pub fn shuffle_partitions(&self) -> Option<usize> {
        self.value(SHUFFLE_PARTITIONS).parse().ok()
    }

    /// Whether the watermark of a query is the greatest of its inputs', not the least.
    pub fn watermark_policy_is_max(&self) -> bool {
        self.value(WATERMARK_POLICY).eq_ignore_ascii_case("max")
    }

    /// Whether an epoch without input follows when the watermark moved.
    pub fn no_data_epochs(&self) -> bool {
        self.value(NO_DATA_EPOCHS).eq_ignore_ascii_case("true")
    }

    /// How many epochs stay in the logs of a checkpoint.
    pub fn min_batches_to_retain(&self) -> u64 {
        self.value(MIN_BATCHES_TO_RETAIN).parse().unwrap_or(100)
    }

    /// How many changelogs a partition gathers before a snapshot is made of them.
    pub fn min_deltas_for_snapshot(&self) -> usize {
        self.value(MIN_DELTAS_FOR_SNAPSHOT).parse().unwrap_or(10)
    }

    /// How long an idle query waits before it asks its sources again, in milliseconds.
    pub fn polling_delay_millis(&self) -> i64 {
        self.value(POLLING_DELAY).parse().unwrap_or(10)
    }

    /// How often an idle query reports that it has nothing to do, in milliseconds.
    pub fn idle_interval_millis(&self) -> i64 {
        self.value(IDLE_INTERVAL).parse().unwrap_or(10_000)
    }

    /// How many progress reports a query keeps.
    pub fn recent_progress(&self) -> usize {
        self.value(RECENT_PROGRESS).parse().unwrap_or(100)
    }

    /// The folder for checkpoints of queries that name none.
    pub fn checkpoint_root(&self) -> Option<&str> {
        Some(self.value(CHECKPOINT_ROOT)).filter(|root| !root.is_empty())
    }

    /// Whether a file source may infer its schema.
    pub fn schema_inference(&self) -> bool {
        self.value(SCHEMA_INFERENCE).eq_ignore_ascii_case("true")
    }

    /// Whether what overflows or cannot be converted is an error.
    pub fn is_ansi(&self) -> bool {
        self.value(ANSI).eq_ignore_ascii_case("true")
    }

    /// Whether a run takes over a checkpoint whose last run is not known to have ended.
    pub fn takeover(&self) -> bool {
        self.value(TAKEOVER).eq_ignore_ascii_case("true")
    }

    /// How often the recursive part of a query runs at most; none is no bound.
    pub fn recursion_levels(&self) -> Option<u64> {
        self.value(CTE_LEVELS).parse().ok()
    }

    /// From how many rows on a recursive query does not go on; none is no bound.
    pub fn recursion_rows(&self) -> Option<u64> {
        self.value(CTE_ROWS).parse().ok()
    }

    /// Whether GROUP BY may name an alias of SELECT.
    pub fn group_by_aliases(&self) -> bool {
        self.value(GROUP_BY_ALIASES).eq_ignore_ascii_case("true")
    }

    /// The time zone in which points in time are printed.
    pub fn time_zone(&self) -> &str {
        self.value(TIME_ZONE)
    }

    /// What a query's checkpoint keeps: the pinned settings with their values of now.
    pub fn pinned(&self) -> BTreeMap<String, String> {
        PINNED.iter().map(|name| ((*name).to_owned(), self.value(name).to_owned())).collect()
    }

    /// These settings with the pinned values of a checkpoint in place of their own. A name that
    /// is no setting any more is left out.
    #[must_use]
    pub fn with_pinned(&self, pinned: &BTreeMap<String, String>) -> Self {
        let mut settings = self.clone();
        for (name, value) in pinned {
            if PINNED.contains(&name.as_str()) {
                settings.0.insert(name.clone(), value.clone());
            }
        }
        settings
    }

    fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }
}

/// Every setting that has a meaning here, with its default.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    DEFAULTS.iter().chain(FIXED).copied()
}

/// The setting of this name, and its default.
fn known(name: &str) -> Option<(&'static str, &'static str)> {
    all().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn is_spark(name: &str) -> bool {
    name.get(..SPARK.len()).is_some_and(|start| start.eq_ignore_ascii_case(SPARK))
}

/// The setting whose name is the most like this one.
fn likeness(name: &str) -> Option<(f64, &'static str)> {
    let name = name.to_ascii_lowercase();
    let alike = |known: &str| strsim::normalized_levenshtein(&known.to_ascii_lowercase(), &name);
    let likenesses = all().map(|(known, _)| (alike(known), known));
    likenesses.max_by(|(a, _), (b, _)| a.total_cmp(b))
}

fn unknown(name: &str) -> Error {
    let nearest = likeness(name).map(|(_, known)| known.to_owned());
    Error::UnknownOption { owner: "the session".to_owned(), option: name.to_owned(), nearest }
}

fn check(name: &'static str, value: &str) -> Result<()> {
    let wrong = |reason: &str| {
        Err(Error::InvalidOption {
            owner: "the session".to_owned(),
            option: name.to_owned(),
            value: value.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if let Some((_, only)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
        if only.eq_ignore_ascii_case(value) {
            return Ok(());
        }
        return wrong(&format!("queries are answered as with `{only}`, and in no other way"));
    }
    let is_flag = || matches!(value.to_ascii_lowercase().as_str(), "true" | "false");
    match name {
        NO_DATA_EPOCHS | SCHEMA_INFERENCE | ANSI | TAKEOVER | GROUP_BY_ALIASES if !is_flag() => {
            wrong("it must be `true` or `false`")
        }
        CTE_LEVELS | CTE_ROWS if value != "-1" && value.parse::<u64>().is_err() => {
            wrong("it must be a whole number, or -1 for no bound")
        }
        SHUFFLE_PARTITIONS if !matches!(value.parse::<usize>(), Ok(1..=256)) => {
            wrong("it must be a whole number from 1 to 256, the number of key groups")
        }
        MIN_BATCHES_TO_RETAIN | MIN_DELTAS_FOR_SNAPSHOT | RECENT_PROGRESS
            if !matches!(value.parse::<u32>(), Ok(1..)) =>
        {
            wrong("it must be a positive whole number")
        }
        POLLING_DELAY | IDLE_INTERVAL if value.parse::<u32>().is_err() => {
            wrong("it must be milliseconds")
        }
        WATERMARK_POLICY if !matches!(value.to_ascii_lowercase().as_str(), "min" | "max") => {
            wrong("it must be `min` or `max`")
        }
        _ => Ok(()),
    }
}

/// When the next epoch of a query starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// At multiples of an interval since 1970 in UTC; zero: as soon as the last epoch has ended.
    ProcessingTime(Duration),
    /// One epoch over all that is there, whatever the rate limits say; then the query ends.
    Once,
    /// Epochs within the rate limits over what is there at the start; then the query ends.
    AvailableNow,
    /// No epochs that wait for each other: rows flow as they come, committed at an interval.
    Continuous(Duration),
}

impl Default for Trigger {
    fn default() -> Self {
        Self::ProcessingTime(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_depend_on_case_and_unknown_ones_are_refused() {
        let mut settings = Settings::default();
        settings.set("SPARK.sql.shuffle.PARTITIONS", "5").unwrap();
        assert_eq!(settings.shuffle_partitions(), Some(5));
        let error = settings.set("sql.shuffle.partition", "5").unwrap_err().to_string();
        assert!(error.ends_with("did you mean `spark.sql.shuffle.partitions`?"), "{error}");
        assert!(settings.get("millstream.partitions").is_err());
        assert!(settings.set(SHUFFLE_PARTITIONS, "0").is_err());
    }

    #[test]
    fn what_only_spark_has_is_kept_without_effect() {
        let mut settings = Settings::default();
        assert_eq!(settings.get("spark.sql.files.x").unwrap(), UNDEFINED);
        settings.set("spark.sql.files.x", "5").unwrap();
        assert_eq!(settings.get("Spark.SQL.files.X").unwrap(), "5");
        assert_eq!(Settings::note(SHUFFLE_PARTITIONS), None);
        let note = Settings::note("spark.sql.files.x").unwrap();
        assert_eq!(note, "the setting `spark.sql.files.x` has no effect in millstream");
        settings.set("spark.sql.caseSensitive", "FALSE").unwrap();
        let error = settings.set("spark.sql.caseSensitive", "true").unwrap_err().to_string();
        assert!(error.ends_with("queries are answered as with `false`, and in no other way"));
        let note = Settings::note("spark.sql.shuffle.partition").unwrap();
        assert!(note.ends_with("; did you mean `spark.sql.shuffle.partitions`?"), "{note}");
    }
}
