//! What the command line asks for.

use crate::outcome::Fallible;

/// A kind of case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Recorded runs of Spark.
    Spark,
    /// SQL with its expected results.
    Slt,
    /// Queries that Spark has answered too.
    Differential,
    /// Random input against a batch query.
    Property,
    /// A failure at every write, and other mishaps.
    Crash,
    /// The built program, killed.
    Kill,
    /// The built program at a command line.
    Cli,
    /// The examples.
    Examples,
}

impl Group {
    const ALL: [(&'static str, Self); 8] = [
        ("spark", Self::Spark),
        ("slt", Self::Slt),
        ("differential", Self::Differential),
        ("property", Self::Property),
        ("crash", Self::Crash),
        ("kill", Self::Kill),
        ("cli", Self::Cli),
        ("examples", Self::Examples),
    ];
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// The groups to run.
    pub(crate) groups: Vec<Group>,
    /// Whether to write what came out into the files, in place of what they expect.
    pub(crate) complete: bool,
    /// Whether to only name the cases.
    pub(crate) list: bool,
    filters: Vec<String>,
    exact: bool,
}

impl Arguments {
    /// Reads the arguments. Options that Rust's own test harness has, and that people and tools
    /// hand to every test target, are accepted without effect.
    pub(crate) fn parse(given: impl Iterator<Item = String>) -> Fallible<Self> {
        let mut arguments =
            Self { groups: vec![], complete: false, list: false, filters: vec![], exact: false };
        let mut given = given.peekable();
        while let Some(argument) = given.next() {
            let group = Group::ALL.iter().find(|(name, _)| *name == argument);
            match argument.as_str() {
                "--complete" => arguments.complete = true,
                "--list" => arguments.list = true,
                "--exact" => arguments.exact = true,
                "--test-threads" | "--format" | "--color" | "--skip" | "-Z" | "--logfile" => {
                    given.next();
                }
                option if option.starts_with('-') => (),
                _ => match group {
                    Some((_, group)) => arguments.groups.push(*group),
                    None => arguments.filters.push(argument),
                },
            }
        }
        if arguments.groups.is_empty() {
            arguments.groups = Group::ALL.iter().map(|(_, group)| *group).collect();
        }
        if arguments.complete && !arguments.groups.contains(&Group::Slt) {
            return Err("--complete rewrites the files of the group `slt` only".into());
        }
        Ok(arguments)
    }

    /// Whether a case of this name is to run.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filters.is_empty()
            || self.filters.iter().any(|filter| match self.exact {
                true => name == filter,
                false => name.contains(filter.as_str()),
            })
    }
}
