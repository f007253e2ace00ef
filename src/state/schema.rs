//! What a stateful operator stores, and whether a changed query may go on with it.

use arrow::datatypes::SchemaRef;

/// The shape of one state store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSchema {
    /// The columns of the key.
    pub key: SchemaRef,
    /// The columns of the value.
    pub value: SchemaRef,
    /// Where in the key the event time is, if it has one.
    pub time: Option<TimeColumn>,
}

/// Where in the key the event time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeColumn {
    /// A TIMESTAMP column, by index.
    Timestamp(usize),
    /// A window, a struct of `start` and `end`, by index; its time is its end.
    Window(usize),
}

/// stub
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorStateSchema {}
impl OperatorStateSchema {
    /// stub
    pub fn new(_kind: &str, _schema: &StateSchema, _aggregates: Vec<String>) -> Self {
        Self {}
    }
    /// stub
    pub async fn load(
        _folder: &crate::connector::storage::Location,
    ) -> crate::error::Result<Option<Self>> {
        Ok(None)
    }
    /// stub
    pub async fn save(
        &self,
        _folder: &crate::connector::storage::Location,
    ) -> crate::error::Result<()> {
        Ok(())
    }
    /// stub
    pub fn check(&self, _now: &Self) -> Result<(), String> {
        Ok(())
    }
}
impl std::fmt::Display for OperatorStateSchema {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
