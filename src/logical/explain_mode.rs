//! How much EXPLAIN tells: Spark's modes.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How much EXPLAIN tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExplainMode {
    /// The physical plan.
    #[default]
    Simple,
    /// The logical plans and the physical one.
    Extended,
    /// The optimized logical plan, and the physical one with what is known of sizes.
    Cost,
    /// An outline of the physical plan, and its nodes one by one.
    Formatted,
}

impl ExplainMode {
    /// All modes by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("simple", Self::Simple),
        ("extended", Self::Extended),
        ("cost", Self::Cost),
        ("formatted", Self::Formatted),
    ];
}

impl From<bool> for ExplainMode {
    /// Extended or not, as Spark's `explain(extended)` has it.
    fn from(extended: bool) -> Self {
        if extended { Self::Extended } else { Self::Simple }
    }
}

impl fmt::Display for ExplainMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, mode)| mode == self).map(|(name, _)| *name);
        f.write_str(name.unwrap_or_default())
    }
}

impl FromStr for ExplainMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("codegen") {
            return Err(Error::unsupported(
                "the explain mode `codegen` is not supported: no code is generated; use `extended` or `formatted`",
            ));
        }
        let known = Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        known.map(|(_, mode)| *mode).ok_or_else(|| {
            Error::invalid(format!(
                "there is no explain mode `{text}`; there are `simple`, `extended`, `cost` and `formatted`"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_known_by_its_name_in_any_case() {
        assert_eq!("Formatted".parse::<ExplainMode>().unwrap(), ExplainMode::Formatted);
        assert_eq!(ExplainMode::Cost.to_string(), "cost");
        let error = "codegen".parse::<ExplainMode>().unwrap_err().to_string();
        assert!(error.contains("no code is generated"), "{error}");
        let error = "long".parse::<ExplainMode>().unwrap_err().to_string();
        assert!(error.starts_with("there is no explain mode `long`; "), "{error}");
    }
}
