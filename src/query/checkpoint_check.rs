//! Whether a query fits the checkpoint that it is started on.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoint::commit_log::CommitEntry;
use crate::checkpoint::id::OperatorId;
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::error::{Error, Result};
use crate::operators::region::StatefulPlan;
use crate::state::schema::{OperatorStateSchema, check};

/// Refuses a query whose sources are not those that the checkpoint knows.
///
/// # Errors
/// `Incompatible`, with both lists.
pub fn check_sources(checkpoint: &Checkpoint, logged: &OffsetEntry, now: &[String]) -> Result<()> {
    let before: BTreeSet<&str> = logged.sources.keys().map(String::as_str).collect();
    let after: BTreeSet<&str> = now.iter().map(String::as_str).collect();
    if before == after {
        return Ok(());
    }
    let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join("`, `");
    Err(incompatible(
        checkpoint,
        format!(
            "its sources were `{}` and are `{}`; sources cannot be added, removed or renamed, start with a new checkpoint location",
            list(&before),
            list(&after)
        ),
    ))
}

/// Compares the state of a query with what a checkpoint that has an epoch holds. `commit` is the
/// newest entry of the commit log.
///
/// # Errors
/// `Incompatible` with the difference; `Corrupt`; `Storage`.
pub async fn check_state(
    checkpoint: &Checkpoint,
    commit: Option<&CommitEntry>,
    operators: &[StatefulPlan],
) -> Result<()> {
    if let Some(commit) = commit {
        let before: BTreeSet<&OperatorId> = commit.state.keys().collect();
        let after: BTreeSet<&OperatorId> = operators.iter().map(|operator| &operator.id).collect();
        if before != after {
            return Err(different_operators(checkpoint, commit, operators).await?);
        }
    }
    for operator in operators {
        let folder = checkpoint.state(&operator.id);
        match OperatorStateSchema::load(&folder).await? {
            None => {
                return Err(Error::corrupt(
                    format!("{}/schema", folder.given),
                    "it is missing, but the logs name epochs of this operator",
                ));
            }
            Some(stored) => check(&stored, &operator.schema)
                .map_err(|difference| incompatible(checkpoint, difference))?,
        }
    }
    Ok(())
}

/// Writes down what the operators of a query store, before its first epoch.
///
/// # Errors
/// `Storage`.
pub async fn save_state_schemas(checkpoint: &Checkpoint, operators: &[StatefulPlan]) -> Result<()> {
    for operator in operators {
        operator.schema.save(&checkpoint.state(&operator.id)).await?;
    }
    Ok(())
}

/// The error for a query whose stateful operators are not those of the checkpoint: what each of
/// them stored and would store.
async fn different_operators(
    checkpoint: &Checkpoint,
    commit: &CommitEntry,
    operators: &[StatefulPlan],
) -> Result<Error> {
    let now: BTreeMap<&OperatorId, &StatefulPlan> =
        operators.iter().map(|operator| (&operator.id, operator)).collect();
    let mut lines = Vec::new();
    for id in commit.state.keys().filter(|id| !now.contains_key(id)) {
        let stored = OperatorStateSchema::load(&checkpoint.state(id)).await?;
        lines.push(format!("- {id}"));
        let stored = stored.map(|schema| schema.lines()).unwrap_or_default();
        lines.extend(stored.iter().map(|line| format!("-   {line}")));
    }
    for (_, operator) in now.iter().filter(|(id, _)| !commit.state.contains_key(**id)) {
        lines.push(format!("+ {}", operator.id));
        lines.extend(operator.schema.lines().iter().map(|line| format!("+   {line}")));
    }
    Ok(incompatible(
        checkpoint,
        format!(
            "its stateful operators changed; start with a new checkpoint location, or take the change back\n{}",
            lines.join("\n")
        ),
    ))
}

fn incompatible(checkpoint: &Checkpoint, reason: String) -> Error {
    Error::Incompatible { location: checkpoint.location().given.clone(), reason }
}
