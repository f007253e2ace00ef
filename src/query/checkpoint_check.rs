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

/// The ids under which a checkpoint has the state of operators that it does not know by their own:
/// earlier releases made an id of the names of the keys. An operator takes over the state that fits
/// it; where several fit that are not alike, none is taken.
///
/// # Errors
/// `Corrupt`; `Storage`.
pub async fn stored_ids(
    checkpoint: &Checkpoint,
    commit: &CommitEntry,
    operators: &[StatefulPlan],
) -> Result<BTreeMap<OperatorId, OperatorId>> {
    let known: BTreeSet<&OperatorId> = operators.iter().map(|operator| &operator.id).collect();
    let mut free = Vec::new();
    for id in commit.state.keys().filter(|id| !known.contains(id)) {
        if let Some(schema) = OperatorStateSchema::load(&checkpoint.state(id)).await? {
            free.push((id.clone(), schema));
        }
    }
    free.sort_by_key(|(id, _)| family(id).1);
    let mut found = BTreeMap::new();
    let mut missing: Vec<_> =
        operators.iter().filter(|operator| !commit.state.contains_key(&operator.id)).collect();
    missing.sort_by_key(|operator| family(&operator.id).1);
    for operator in missing {
        let fits = |(_, stored): &&(OperatorId, OperatorStateSchema)| {
            check(stored, &operator.schema).is_ok()
        };
        let fitting: Vec<_> = free.iter().filter(fits).map(|(id, _)| id.clone()).collect();
        let Some(first) = fitting.first() else { continue };
        if fitting.iter().all(|other| family(other).0 == family(first).0) {
            free.retain(|(id, _)| id != first);
            found.insert(operator.id.clone(), first.clone());
        }
    }
    Ok(found)
}

/// An id without the place among those that are alike, and that place.
fn family(id: &OperatorId) -> (&str, usize) {
    let (family, place) = id.0.rsplit_once('-').unwrap_or((&id.0, ""));
    (family, place.parse().unwrap_or(0))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::connector::output_mode::OutputMode;
    use crate::connector::storage::Location;
    use crate::operators::region::StateBound;
    use crate::state::StateSchema;

    fn checkpoint() -> Checkpoint {
        let (given, url) = ("memory:/ckpt".to_owned(), "memory:///ckpt".to_owned());
        let (store, path) = (Arc::new(InMemory::new()), Path::from("ckpt"));
        Checkpoint::new(Location { store, path, given, url })
    }

    fn schema(key: DataType) -> OperatorStateSchema {
        let field = |name: &str, data_type| Schema::new(vec![Field::new(name, data_type, true)]);
        let (key, value) = (field("k", key), field("n", DataType::Int64));
        let schema = StateSchema { key: Arc::new(key), value: Arc::new(value), time: None };
        OperatorStateSchema::new("aggregate", "an aggregation", &schema, vec![])
    }

    fn operator(id: &str, key: DataType) -> StatefulPlan {
        StatefulPlan {
            id: OperatorId(id.to_owned()),
            kind: "stateStoreSave",
            partitions: 1,
            schema: schema(key),
            evicts: false,
            key: vec![],
            bound: StateBound::Unbounded,
            mode: OutputMode::Update,
        }
    }

    /// What the operators find in a checkpoint with these.
    async fn found(
        stored: &[(&str, DataType)],
        operators: &[StatefulPlan],
    ) -> Vec<(String, String)> {
        let checkpoint = checkpoint();
        let mut commit = CommitEntry::default();
        for (id, key) in stored {
            let id = OperatorId((*id).to_owned());
            schema(key.clone()).save(&checkpoint.state(&id)).await.unwrap();
            commit.state.insert(id, vec![]);
        }
        let found = stored_ids(&checkpoint, &commit, operators).await.unwrap();
        found.into_iter().map(|(id, stored)| (id.0, stored.0)).collect()
    }

    #[tokio::test]
    async fn an_operator_finds_the_state_that_an_earlier_release_named_by_its_keys() {
        let text = [("aggregate-4372349c-0", DataType::Utf8)];
        let now = [operator("aggregate-0", DataType::Utf8)];
        let pair = |id: &str, stored: &str| (id.to_owned(), stored.to_owned());
        assert_eq!(found(&text, &now).await, [pair("aggregate-0", "aggregate-4372349c-0")]);
        // Its own id comes first, and what does not fit is not taken.
        assert!(found(&[("aggregate-0", DataType::Utf8)], &now).await.is_empty());
        assert!(found(&[("aggregate-4372349c-0", DataType::Int64)], &now).await.is_empty());
    }

    #[tokio::test]
    async fn of_several_that_fit_only_those_that_are_alike_are_told_apart() {
        let now =
            [operator("aggregate-0", DataType::Utf8), operator("aggregate-1", DataType::Utf8)];
        let alike = [("aggregate-7-1", DataType::Utf8), ("aggregate-7-0", DataType::Utf8)];
        let pair = |id: &str, stored: &str| (id.to_owned(), stored.to_owned());
        let expected = [pair("aggregate-0", "aggregate-7-0"), pair("aggregate-1", "aggregate-7-1")];
        assert_eq!(found(&alike, &now).await, expected);
        let unlike = [("aggregate-7-0", DataType::Utf8), ("aggregate-8-0", DataType::Utf8)];
        assert!(found(&unlike, &now).await.is_empty());
    }
}
