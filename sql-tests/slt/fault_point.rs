//! The places at which a test lets the process "die".

use std::fmt;
use std::str::FromStr;

use millstream::testing::fault::{FaultMode, Faults};

/// Stands for each fault point in turn in a file that holds it: the file runs once for each.
pub(super) const POINT: &str = "${POINT}";

/// The writes of an epoch: their names here, and what their paths hold.
const WRITES: &[(&str, &str)] = &[
    ("offset_log", "offsets/"),
    ("state", ".arrow"),
    ("sink_file", "part-"),
    ("sink_log", "_spark_metadata/"),
    ("commit_log", "commits/"),
];

/// Just before or just after a write of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FaultPoint {
    write: usize,
    mode: FaultMode,
}

impl FaultPoint {
    /// All of them, in the order of an epoch.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let modes = [FaultMode::DieBefore, FaultMode::DieAfter];
        (0..WRITES.len()).flat_map(move |write| modes.map(|mode| Self { write, mode }))
    }

    /// Lets the process "die" at the next such write.
    pub(super) fn arm(self, faults: &Faults) {
        faults.arm_path(WRITES[self.write].1, self.mode);
    }
}

impl fmt::Display for FaultPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.mode == FaultMode::DieBefore { "before" } else { "after" };
        write!(f, "{when}_{}", WRITES[self.write].0)
    }
}

impl FromStr for FaultPoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all().find(|point| point.to_string() == text).ok_or_else(|| {
            let all: Vec<String> = Self::all().map(|point| point.to_string()).collect();
            format!("there is no fault point {text}; there are {}", all.join(", "))
        })
    }
}
