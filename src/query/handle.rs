//! What a user holds of a running query.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use crate::error::{Error, Result};
use crate::logical::explain_mode::ExplainMode;
use crate::query::explain::Plans;
use crate::query::progress::{RecentProgress, StreamingQueryProgress};
use crate::runtime::clock::{Clock, SystemClock};
use crate::runtime::shutdown::Shutdown;

/// A running query. Clones share it; the query runs on when all are dropped.
#[derive(Clone)]
pub struct StreamingQuery(Arc<Shared>);

/// What the handle and the loop share.
pub(crate) struct Shared {
    pub(crate) id: String,
    pub(crate) run_id: String,
    pub(crate) name: Option<String>,
    pub(crate) checkpoint: Option<String>,
    pub(crate) first_epoch: u64,
    pub(crate) plans: Arc<Plans>,
    pub(crate) shutdown: Shutdown,
    /// Wakes a loop that waits for data to arrive.
    pub(crate) wake: Notify,
    /// How often `process_all_available` was called.
    requests: watch::Sender<u64>,
    /// Up to which request the loop has found nothing left to do.
    idle: watch::Sender<u64>,
    ended: watch::Sender<Option<End>>,
    inner: Mutex<Inner>,
}

/// How a query ended: well, or with an error.
pub(crate) type End = Result<(), Arc<Error>>;

struct Inner {
    status: QueryStatus,
    progress: RecentProgress,
}

/// What a query does at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryStatus {
    /// What it does, in Spark's words.
    pub message: String,
    /// Whether there was new data at the last trigger.
    pub is_data_available: bool,
    /// Whether an epoch runs.
    pub is_trigger_active: bool,
}

/// Who a query is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) run_id: String,
    pub(crate) name: Option<String>,
    /// The checkpoint, unless it goes with the query.
    pub(crate) checkpoint: Option<String>,
    pub(crate) first_epoch: u64,
    pub(crate) plans: Arc<Plans>,
}

impl StreamingQuery {
    pub(crate) fn new(identity: Identity, keep_progress: usize) -> Self {
        let Identity { id, run_id, name, checkpoint, first_epoch, plans } = identity;
        let status = QueryStatus {
            message: "Initializing sources".to_owned(),
            is_data_available: false,
            is_trigger_active: false,
        };
        let inner = Inner { status, progress: RecentProgress::new(keep_progress) };
        Self(Arc::new(Shared {
            id,
            run_id,
            name,
            checkpoint,
            first_epoch,
            plans,
            shutdown: Shutdown::default(),
            wake: Notify::new(),
            requests: watch::Sender::new(0),
            idle: watch::Sender::new(0),
            ended: watch::Sender::new(None),
            inner: Mutex::new(inner),
        }))
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }

    /// The id of the query, which its checkpoint keeps over restarts.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The id of this run.
    pub fn run_id(&self) -> &str {
        &self.0.run_id
    }

    /// Where the query keeps its progress and state; none where they go with it.
    pub fn checkpoint_location(&self) -> Option<&str> {
        self.0.checkpoint.as_deref()
    }

    /// The number of the epoch with which the run began: 0 unless it goes on from a checkpoint.
    pub fn first_epoch(&self) -> u64 {
        self.0.first_epoch
    }

    /// The name that the query was given.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether the query runs.
    pub fn is_active(&self) -> bool {
        self.0.ended.borrow().is_none()
    }

    /// What the query does at the moment.
    pub fn status(&self) -> QueryStatus {
        self.0.lock().status.clone()
    }

    /// The report of the newest epoch.
    pub fn last_progress(&self) -> Option<StreamingQueryProgress> {
        self.0.last_progress()
    }

    /// The reports of the last epochs, the oldest first;
    /// `spark.sql.streaming.numRecentProgressUpdates` says how many are kept.
    pub fn recent_progress(&self) -> Vec<StreamingQueryProgress> {
        self.0.lock().progress.all()
    }

    /// Why the query ended, if it ended with an error.
    pub fn exception(&self) -> Option<Error> {
        match &*self.0.ended.borrow() {
            Some(Err(error)) => Some(self.0.failed(error)),
            Some(Ok(())) | None => None,
        }
    }

    /// The plan that the epochs execute and what its stateful operators keep, as text; `extended`:
    /// the logical plans too.
    pub fn explain(&self, extended: bool) -> String {
        self.0.plans.text(ExplainMode::from(extended))
    }

    /// Returns when all data that was available at the call has been processed and committed, and
    /// no epoch is due for eviction. For tests: with data that never ceases it may not return.
    ///
    /// # Errors
    /// `QueryFailed` when the query ended with an error.
    pub async fn process_all_available(&self) -> Result<()> {
        let mut request = 0;
        self.0.requests.send_modify(|count| {
            *count += 1;
            request = *count;
        });
        self.0.wake.notify_one();
        let mut idle = self.0.idle.subscribe();
        let mut ended = self.0.ended.subscribe();
        tokio::select! {
            _idle = idle.wait_for(|done| *done >= request) => (),
            _ended = ended.wait_for(Option::is_some) => (),
        }
        self.exception().map_or(Ok(()), Err)
    }

    /// Waits for the end of the query, or for `timeout`; whether the query has ended.
    ///
    /// # Errors
    /// `QueryFailed` when the query ended with an error.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect on the query.
    pub async fn await_termination(&self, timeout: Option<Duration>) -> Result<bool> {
        let mut ended = self.0.ended.subscribe();
        let end = ended.wait_for(Option::is_some);
        match timeout {
            None => {
                let _ended = end.await;
            }
            Some(timeout) => {
                let timeout = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
                let until = SystemClock.now_millis().saturating_add(timeout);
                tokio::select! {
                    _ended = end => (),
                    () = SystemClock.sleep_until(until) => return Ok(false),
                }
            }
        }
        self.exception().map_or(Ok(true), Err)
    }

    /// Asks the query to stop when the epoch that runs has ended, and waits for that.
    ///
    /// # Errors
    /// None of the query's own: [`exception`](Self::exception) tells those.
    pub async fn stop(&self) -> Result<()> {
        self.0.shutdown.request();
        let mut ended = self.0.ended.subscribe();
        ended
            .wait_for(Option::is_some)
            .await
            .map(|_ended| ())
            .map_err(|_closed| Error::internal("the query went away without an end"))
    }
}

impl fmt::Debug for StreamingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingQuery")
            .field("id", &self.0.id)
            .field("run_id", &self.0.run_id)
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// The name of the query, or its id.
    pub(crate) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    fn failed(&self, error: &Arc<Error>) -> Error {
        Error::QueryFailed { query: format!("`{}`", self.label()), source: Arc::clone(error) }
    }

    pub(crate) fn set_status(&self, message: &str, data: bool, active: bool) {
        let mut inner = self.lock();
        inner.status.message.clear();
        inner.status.message.push_str(message);
        inner.status.is_data_available = data;
        inner.status.is_trigger_active = active;
    }

    /// Changes what the query says that it does, and nothing else.
    pub(crate) fn set_message(&self, message: &str) {
        message.clone_into(&mut self.lock().status.message);
    }

    pub(crate) fn last_progress(&self) -> Option<StreamingQueryProgress> {
        self.lock().progress.last().cloned()
    }

    pub(crate) fn add_progress(&self, progress: StreamingQueryProgress) {
        self.lock().progress.push(progress);
    }

    /// The requests so far; what is found idle after this call answers them.
    pub(crate) fn requests(&self) -> u64 {
        *self.requests.borrow()
    }

    pub(crate) fn set_idle(&self, up_to: u64) {
        self.idle.send_if_modified(|idle| std::mem::replace(idle, up_to) != up_to);
    }

    pub(crate) fn end(&self, end: End) {
        self.set_status("Stopped", false, false);
        self.ended.send_replace(Some(end));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports durations in the two units of a progress report.
pub(crate) fn duration_maps(
    durations: &[(&'static str, Duration)],
) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
    let millis = durations.iter().map(|(name, took)| ((*name).to_owned(), whole(took.as_millis())));
    let micros = durations.iter().map(|(name, took)| ((*name).to_owned(), whole(took.as_micros())));
    (millis.collect(), micros.collect())
}

fn whole(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
