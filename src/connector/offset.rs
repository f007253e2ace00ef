//! A source's position.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A source's position: JSON that only the source that made it can read.
///
/// Equal offsets mean that there is nothing between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(serde_json::Value);

impl Offset {
    /// Wraps the source's own form of a position.
    pub const fn new(json: serde_json::Value) -> Self {
        Self(json)
    }

    /// The source's own form.
    pub const fn json(&self) -> &serde_json::Value {
        &self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
