//! Where everything lies in a checkpoint.

use crate::checkpoint::commit_log::CommitLog;
use crate::checkpoint::id::OperatorId;
use crate::checkpoint::metadata_log::MetadataLog;
use crate::checkpoint::offset_log::OffsetLog;
use crate::checkpoint::table_log::TableLog;
use crate::connector::storage::Location;

/// The checkpoint of one query: a folder, and what lies where in it.
///
/// Clones share the memory of the logs. Each run makes its own with [`Checkpoint::new`], so that
/// it sees what runs before it wrote.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    location: Location,
    offsets: OffsetLog,
    commits: CommitLog,
}

impl Checkpoint {
    /// The checkpoint in this folder. Nothing is created.
    pub fn new(location: Location) -> Self {
        let offsets = MetadataLog::new(location.child("offsets"));
        let commits = MetadataLog::new(location.child("commits"));
        Self { location, offsets, commits }
    }

    /// The folder.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// `offsets/N`.
    pub fn offsets(&self) -> OffsetLog {
        self.offsets.clone()
    }

    /// `commits/N`.
    pub fn commits(&self) -> CommitLog {
        self.commits.clone()
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

    /// The log of a static table.
    pub fn table(&self, name: &str) -> TableLog {
        // A slash would be the folder of another table.
        let folder = name.replace('%', "%25").replace('/', "%2F");
        MetadataLog::new(self.location.child("tables").child(&folder))
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
