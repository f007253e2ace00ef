//! Options as data: what a source or a sink says of each option that Spark has in its place, and
//! of those that only we have. The same list serves the reader of options, which knows an option
//! only when it is described, and the table in `docs/options.md`.

/// What is said of one option. It is honoured, or refused with a message; there is no third case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionDoc {
    /// The name, as Spark spells it.
    pub name: &'static str,
    /// The value that holds when none is given; [`REQUIRED`](Self::REQUIRED), or empty when
    /// nothing holds then.
    pub default: &'static str,
    /// What it does, in a few words; empty for one that is refused.
    pub note: &'static str,
    /// A value that it takes; `<folder>` stands for any folder.
    pub sample: &'static str,
    /// Other options that it needs beside it.
    pub with: &'static [(&'static str, &'static str)],
    /// Why it is refused, and what to do in its place; none for one that is honoured.
    pub refused: Option<&'static str>,
}

/// The options of a source or a sink, in groups that several of them may share.
pub type OptionDocs = &'static [&'static [OptionDoc]];

impl OptionDoc {
    /// The default of an option that has to be given.
    pub const REQUIRED: &'static str = "required";

    /// An option that does what `note` says.
    pub const fn honoured(
        name: &'static str,
        default: &'static str,
        sample: &'static str,
        note: &'static str,
    ) -> Self {
        Self { name, default, note, sample, with: &[], refused: None }
    }

    /// The same option, which has an effect or a meaning only beside these.
    #[must_use]
    pub const fn with(self, others: &'static [(&'static str, &'static str)]) -> Self {
        Self { with: others, ..self }
    }

    /// An option that Spark has and we refuse, for this reason.
    pub const fn refused(
        name: &'static str,
        default: &'static str,
        sample: &'static str,
        reason: &'static str,
    ) -> Self {
        Self { name, default, note: "", sample, with: &[], refused: Some(reason) }
    }

    /// Whether a source or sink cannot do without it.
    pub fn is_required(&self) -> bool {
        self.default == Self::REQUIRED
    }
}

/// The description of an option, looked up without regard to case.
pub fn find(docs: OptionDocs, name: &str) -> Option<&'static OptionDoc> {
    docs.iter().copied().flatten().find(|doc| doc.name.eq_ignore_ascii_case(name))
}
