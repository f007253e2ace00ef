//! The names of what a query measures, as Spark's `StreamingQueryProgress` spells them.

/// Phases of an epoch, the keys of `durationMs` in a progress report.
pub mod phase {
    /// Asking the sources how far they could read.
    pub const LATEST_OFFSET: &str = "latestOffset";
    /// Writing `offsets/N`.
    pub const WAL_COMMIT: &str = "walCommit";
    /// Turning offsets into ranges to read.
    pub const GET_BATCH: &str = "getBatch";
    /// Binding the plan to the epoch.
    pub const QUERY_PLANNING: &str = "queryPlanning";
    /// Running the plan, writing state and sink.
    pub const ADD_BATCH: &str = "addBatch";
    /// Writing `commits/N`.
    pub const COMMIT_OFFSETS: &str = "commitOffsets";
    /// The whole epoch.
    pub const TRIGGER_EXECUTION: &str = "triggerExecution";
}

/// What `stateOperators[].operatorName` says for an aggregation.
pub const STATE_STORE_SAVE: &str = "stateStoreSave";

/// What `stateOperators[].operatorName` says for a limit.
pub const GLOBAL_LIMIT: &str = "globalLimit";
