//! What an aggregation emits, and when it forgets: pure decisions.

use std::fmt;

use crate::connector::output_mode::OutputMode;

/// What happens to the groups of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmitRule {
    /// Emit the groups that were touched, as they come.
    pub touched: bool,
    /// At the end remove the groups that the watermark has passed.
    pub evict: bool,
    /// Emit the groups that are removed.
    pub evicted: bool,
    /// At the end emit all groups.
    pub all: bool,
    /// Drop late groups before they reach the state.
    pub drop_late: bool,
}

impl fmt::Display for EmitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self { all: true, .. } => "emits all groups",
            Self { touched: true, .. } => "emits touched groups",
            Self { evicted: true, .. } => "emits groups that the watermark has passed",
            _ => "emits nothing",
        })?;
        if self.evict && !self.evicted {
            f.write_str(", removes those that the watermark has passed")?;
        }
        Ok(())
    }
}

/// The rule of an output mode, for keys with or without event time.
///
/// | mode     | late groups | emits                 | evicts  |
/// |----------|-------------|-----------------------|---------|
/// | append   | drops       | evicted groups        | yes     |
/// | update   | drops       | touched groups        | quietly |
/// | complete | keeps       | all groups            | never   |
pub const fn emit_rule(mode: OutputMode, has_event_time: bool) -> EmitRule {
    let timed = has_event_time && !matches!(mode, OutputMode::Complete);
    EmitRule {
        touched: matches!(mode, OutputMode::Update),
        evict: timed,
        evicted: timed && matches!(mode, OutputMode::Append),
        all: matches!(mode, OutputMode::Complete),
        drop_late: timed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_mode_ignores_the_watermark() {
        let rule = emit_rule(OutputMode::Complete, true);
        assert!(rule.all && !rule.evict && !rule.drop_late && !rule.touched);
    }

    #[test]
    fn update_mode_evicts_quietly() {
        let rule = emit_rule(OutputMode::Update, true);
        assert!(rule.touched && rule.evict && !rule.evicted);
        assert!(!emit_rule(OutputMode::Update, false).evict);
    }
}
