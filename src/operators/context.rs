//! What an epoch hands to the operators of its plan.
//!
//! A plan is built once for a run; the epoch reaches it through the session configuration of the
//! task. What decides the result ([`EpochContext`]) is data that could cross a network; what
//! carries it out ([`EpochResources`]) is found on the machine that runs the plan.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::TaskContext;
use datafusion::prelude::SessionConfig;
use serde::{Deserialize, Serialize};

use crate::checkpoint::id::{OperatorId, StateVersion};
use crate::connector::source::{InputPartition, MicroBatchSource};
use crate::connector::versioned::TableVersion;
use crate::error::{Error, Result};
use crate::event_time::watermark::Watermark;
use crate::operators::report::EpochReport;
use crate::state::registry::StateRegistry;

/// All that flows into an epoch, besides the state and the rows that its ranges name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EpochContext {
    /// The epoch.
    pub epoch: u64,
    /// The number of the run, for the names of state files.
    pub run: u64,
    /// The time of the epoch, milliseconds since 1970 in UTC.
    pub timestamp: i64,
    /// What to read from each source, by its name.
    pub inputs: BTreeMap<String, Vec<InputPartition>>,
    /// Which version of each static table to read, by its name.
    pub tables: BTreeMap<String, TableVersion>,
    /// What each stateful operator works with.
    pub operators: BTreeMap<OperatorId, OperatorEpoch>,
}

/// What a stateful operator works with in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OperatorEpoch {
    /// The version of the state that the epoch begins with.
    pub version: StateVersion,
    /// Rows behind this watermark, the one of the epoch before, are late.
    pub late: Watermark,
    /// State behind this watermark is final.
    pub eviction: Watermark,
}

impl EpochContext {
    /// What the operator works with.
    ///
    /// # Errors
    /// `Internal` for an operator that the run does not know.
    pub fn operator(&self, id: &OperatorId) -> Result<OperatorEpoch> {
        self.operators.get(id).copied().ok_or_else(|| {
            Error::internal(format!("epoch {} does not know the operator `{id}`", self.epoch))
        })
    }

    /// The context of the epoch that a task belongs to.
    ///
    /// # Errors
    /// `Internal` when the task belongs to none.
    pub fn of(task: &TaskContext) -> Result<Arc<Self>> {
        let extension = task.session_config().options().extensions.get::<EpochExtension>();
        extension
            .map(|extension| Arc::clone(&extension.0))
            .ok_or_else(|| Error::internal("a streaming plan was run outside of an epoch"))
    }
}

/// The [`EpochContext`] as an extension of DataFusion's configuration; as text it is one JSON entry.
#[derive(Debug, Clone, Default)]
struct EpochExtension(Arc<EpochContext>);

impl ConfigExtension for EpochExtension {
    const PREFIX: &'static str = "millstream_epoch";
}

impl ExtensionOptions for EpochExtension {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, _key: &str, value: &str) -> DfResult<()> {
        let context = serde_json::from_str(value).map_err(|error| {
            DataFusionError::Configuration(format!("no epoch context: {error}"))
        })?;
        self.0 = Arc::new(context);
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        vec![ConfigEntry {
            key: format!("{}.context", Self::PREFIX),
            value: serde_json::to_string(&*self.0).ok(),
            description: "what an epoch hands to the operators of its plan",
        }]
    }
}

/// What carries an epoch out on this machine.
#[derive(Debug)]
pub struct EpochResources {
    /// The sources of the run, by name.
    pub sources: Arc<BTreeMap<String, Arc<dyn MicroBatchSource>>>,
    /// The state stores of the run.
    pub state: Arc<StateRegistry>,
    /// Where operators say what they did.
    pub report: Arc<EpochReport>,
}

impl EpochResources {
    /// The resources of the epoch that a task belongs to.
    ///
    /// # Errors
    /// `Internal` when the task belongs to none.
    pub fn of(task: &TaskContext) -> Result<Arc<Self>> {
        task.session_config()
            .get_extension::<Self>()
            .ok_or_else(|| Error::internal("a streaming plan was run outside of an epoch"))
    }
}

/// Binds a configuration to an epoch.
#[must_use]
pub fn bind(
    config: SessionConfig,
    context: Arc<EpochContext>,
    resources: Arc<EpochResources>,
) -> SessionConfig {
    config.with_option_extension(EpochExtension(context)).with_extension(resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_the_trip_through_text() {
        let mut context = EpochContext { epoch: 7, run: 2, ..EpochContext::default() };
        context.inputs.insert("json-0".to_owned(), vec![InputPartition(serde_json::json!([1]))]);
        let content = crate::connector::versioned::TableContent::new(serde_json::json!({"n": 1}));
        context.tables.insert("d".to_owned(), TableVersion { since: 3, content });
        context.operators.insert(OperatorId("aggregate-1".to_owned()), OperatorEpoch::default());
        let sent = EpochExtension(Arc::new(context.clone()));
        let text = sent.entries()[0].value.clone().unwrap();
        let mut received = EpochExtension::default();
        received.set("context", &text).unwrap();
        assert_eq!(*received.0, context);
    }
}
