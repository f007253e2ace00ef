//! Builds a session.

use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;

use crate::checkpoint::storage::LocalStorage;
use crate::config::Settings;
use crate::connector::options::Options;
use crate::connector::sink::SinkFactory;
use crate::connector::source::SourceFactory;
use crate::connector::storage::Storage;
use crate::error::Result;
use crate::runtime::clock::{Clock, SystemClock};
use crate::session::builtin;
use crate::session::session::{Parts, StreamSession};

/// Builds a [`StreamSession`]. Setters never fail, [`build`](Self::build) does.
///
/// ```
/// use millstream::StreamSession;
///
/// let session =
///     StreamSession::builder().config("spark.sql.shuffle.partitions", "4").build()?;
/// assert_eq!(session.settings().shuffle_partitions(), Some(4));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct StreamSessionBuilder {
    config: Options,
    state: Option<SessionState>,
    storage: Option<Arc<dyn Storage>>,
    clock: Option<Arc<dyn Clock>>,
    sources: Vec<(String, Arc<dyn SourceFactory>)>,
    sinks: Vec<(String, Arc<dyn SinkFactory>)>,
}

impl StreamSessionBuilder {
    /// Sets a setting, by Spark's name or by one of ours.
    #[must_use]
    pub fn config(mut self, name: &str, value: impl Into<String>) -> Self {
        self.config.set(name, value);
        self
    }

    /// Builds the session around one of DataFusion's: its tables, functions, runtime and options.
    #[must_use]
    pub fn with_session_state(mut self, state: SessionState) -> Self {
        self.state = Some(state);
        self
    }

    /// Opens checkpoints and tables elsewhere than in the file system.
    #[must_use]
    pub fn with_storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = Some(storage);
        self
    }

    /// Takes the time from elsewhere than the machine; for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds a source, or replaces a built-in one.
    #[must_use]
    pub fn with_source(mut self, format: &str, factory: Arc<dyn SourceFactory>) -> Self {
        self.sources.push((format.to_owned(), factory));
        self
    }

    /// Adds a sink, or replaces a built-in one.
    #[must_use]
    pub fn with_sink(mut self, format: &str, factory: Arc<dyn SinkFactory>) -> Self {
        self.sinks.push((format.to_owned(), factory));
        self
    }

    /// Builds the session.
    ///
    /// # Errors
    /// `UnknownOption` or `InvalidOption` for a setting.
    pub fn build(self) -> Result<StreamSession> {
        let mut settings = Settings::default();
        for (name, value) in self.config.iter() {
            settings.set(name, value)?;
            if let Some(note) = Settings::note(name) {
                tracing::warn!("{note}");
            }
        }
        let mut registry = builtin::registry();
        for (format, factory) in self.sources {
            registry.add_source(&format, factory);
        }
        for (format, factory) in self.sinks {
            registry.add_sink(&format, factory);
        }
        let state = match self.state {
            Some(state) => around(state),
            None => SessionStateBuilder::new().with_default_features(),
        };
        StreamSession::from_parts(Parts {
            state,
            settings,
            registry,
            storage: self.storage.unwrap_or_else(|| Arc::new(LocalStorage::default())),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
        })
    }
}

/// A builder that keeps the catalogs of an existing session, which it shares with it.
fn around(state: SessionState) -> SessionStateBuilder {
    let mut config = state.config().clone();
    config.options_mut().catalog.create_default_catalog_and_schema = false;
    SessionStateBuilder::new_from_existing(state).with_config(config)
}
