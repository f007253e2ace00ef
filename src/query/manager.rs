//! The running queries of a session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::select_all;
use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::query::handle::StreamingQuery;
use crate::query::listener::{Listeners, StreamingQueryListener};
use crate::runtime::clock::{Clock, SystemClock};

/// The queries of a session, by name and id. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct StreamingQueryManager(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// All that were started since the last [`StreamingQueryManager::reset_terminated`].
    queries: Mutex<Vec<StreamingQuery>>,
    added: Notify,
    listeners: Listeners,
}

impl StreamingQueryManager {
    /// The queries that run.
    pub fn active(&self) -> Vec<StreamingQuery> {
        self.lock().iter().filter(|query| query.is_active()).cloned().collect()
    }

    /// The queries that run, and those that have ended since the last
    /// [`reset_terminated`](Self::reset_terminated), in the order in which they were started.
    pub fn all(&self) -> Vec<StreamingQuery> {
        self.lock().clone()
    }

    /// The running query with this id or name.
    pub fn get(&self, id_or_name: &str) -> Option<StreamingQuery> {
        let queries = self.lock();
        let mut active = queries.iter().filter(|query| query.is_active());
        active.find(|q| q.id() == id_or_name || q.name() == Some(id_or_name)).cloned()
    }

    /// Adds a listener to the queries of the session, those that run and those to come.
    pub fn add_listener(&self, listener: Arc<dyn StreamingQueryListener>) {
        self.0.listeners.add(listener);
    }

    /// Removes a listener; whether it was there.
    pub fn remove_listener(&self, listener: &Arc<dyn StreamingQueryListener>) -> bool {
        self.0.listeners.remove(listener)
    }

    /// The listeners, in the order in which they were added.
    pub fn list_listeners(&self) -> Vec<Arc<dyn StreamingQueryListener>> {
        self.0.listeners.list()
    }

    pub(crate) fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// Refuses a name that a running query has.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check_name(&self, name: &str) -> Result<()> {
        if self.active().iter().any(|query| query.name() == Some(name)) {
            return Err(runs_already(name));
        }
        Ok(())
    }

    /// Adds a query that was started.
    pub fn add(&self, query: StreamingQuery) {
        self.lock().push(query);
        self.0.added.notify_waiters();
    }

    /// Forgets the queries that have ended, so that
    /// [`await_any_termination`](Self::await_any_termination) waits for another.
    pub fn reset_terminated(&self) {
        self.lock().retain(StreamingQuery::is_active);
    }

    /// Waits until a query has ended, at once if one had already, or for `timeout`; whether one has.
    ///
    /// # Errors
    /// `QueryFailed` when the query that ended did so with an error.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn await_any_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        let limit = timeout.map(|t| i64::try_from(t.as_millis()).unwrap_or(i64::MAX));
        let until = limit.map(|limit| SystemClock.now_millis().saturating_add(limit));
        loop {
            let added = self.0.added.notified();
            let queries = self.lock().clone();
            if let Some(ended) = queries.iter().find(|query| !query.is_active()) {
                return ended.exception().map_or(Ok(true), Err);
            }
            let ends = queries.iter().map(|query| Box::pin(query.await_termination(None)));
            let any_end = async {
                match queries.is_empty() {
                    true => std::future::pending().await,
                    false => select_all(ends).await.0,
                }
            };
            let timed_out = async {
                match until {
                    Some(until) => SystemClock.sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = any_end => return ended,
                () = timed_out => return Ok(false),
                () = added => (),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StreamingQuery>> {
        self.0.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a second query of this name.
pub(crate) fn runs_already(name: &str) -> Error {
    Error::invalid(format!(
        "a streaming query named `{name}` runs already; stop it first, or choose another name"
    ))
}
