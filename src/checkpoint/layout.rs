//! Where everything lies in a checkpoint.

use crate::checkpoint::commit_log::CommitLog;
use crate::checkpoint::id::OperatorId;
use crate::checkpoint::metadata_log::MetadataLog;
use crate::checkpoint::offset_log::OffsetLog;
use crate::connector::storage::Location;

/// The checkpoint of one query: a folder, and what lies where in it.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    location: Location,
}

impl Checkpoint {
    /// The checkpoint in this folder. Nothing is created.
    pub const fn new(location: Location) -> Self {
        Self { location }
    }

    /// The folder.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// `offsets/N`.
    pub fn offsets(&self) -> OffsetLog {
        MetadataLog::new(self.location.child("offsets"))
    }

    /// `commits/N`.
    pub fn commits(&self) -> CommitLog {
        MetadataLog::new(self.location.child("commits"))
    }

    /// The file with the query's id.
    pub fn metadata(&self) -> Location {
        self.location.child("metadata")
    }

    /// The folder of the claims.
    pub fn runs(&self) -> Location {
        self.location.child("runs")
    }

    /// The folder of a source.
    pub fn source(&self, name: &str) -> Location {
        self.location.child("sources").child(name)
    }

    /// The folder of all state.
    pub fn all_state(&self) -> Location {
        self.location.child("state")
    }

    /// The folder of an operator's state; its files are named by path below it.
    pub fn state(&self, operator: &OperatorId) -> Location {
        self.all_state().child(&operator.0)
    }
}
