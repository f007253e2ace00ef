//! Listeners: who wants to hear of the queries of a session.
//!
//! ```text
//! start() ----------> on_query_started        before `start` returns
//! epoch loop -------> queue --> delivery --> on_query_progress, on_query_idle
//! end of the loop --> queue --> delivery --> on_query_terminated
//! ```
//!
//! One task for each session hands the events out, one after the other and each to all listeners,
//! on a thread that may block: a slow listener delays the others, never a query. What panics is
//! logged. When a listener is so slow that the queue is full, events are dropped, and counted in
//! the log.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::error::Error;
use crate::query::progress::StreamingQueryProgress;
use crate::runtime::task;

/// How many events may wait, as in Spark.
const QUEUE: usize = 10_000;

/// Hears of the queries of a session; added by
/// [`StreamingQueryManager::add_listener`](crate::query::manager::StreamingQueryManager::add_listener).
///
/// # Contract
/// For one query `on_query_started` comes first and `on_query_terminated` last. The methods may
/// block; a query waits for `on_query_started` only.
pub trait StreamingQueryListener: Send + Sync + 'static {
    /// A query has started. Called before `start` returns, and before any of its epochs.
    fn on_query_started(&self, event: &QueryStartedEvent);

    /// An epoch is done.
    fn on_query_progress(&self, event: &QueryProgressEvent);

    /// A query had nothing to do for `spark.sql.streaming.noDataProgressEventInterval`.
    fn on_query_idle(&self, event: &QueryIdleEvent);

    /// A query has ended.
    fn on_query_terminated(&self, event: &QueryTerminatedEvent);
}

/// A query has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryStartedEvent {
    /// The id of the query, kept over restarts.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// The name of the query.
    pub name: Option<String>,
    /// When it started: ISO-8601 in UTC.
    pub timestamp: String,
}

/// An epoch is done.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryProgressEvent {
    /// The report of the epoch.
    pub progress: StreamingQueryProgress,
}

/// A query had nothing to do for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryIdleEvent {
    /// The id of the query, kept over restarts.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// When the last trigger fired: ISO-8601 in UTC.
    pub timestamp: String,
}

/// A query has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTerminatedEvent {
    /// The id of the query, kept over restarts.
    pub id: String,
    /// The id of this run.
    pub run_id: String,
    /// Why it failed, if it did.
    pub exception: Option<String>,
    /// The kind of that error, such as `Data`.
    pub error_class_on_exception: Option<String>,
}

impl QueryTerminatedEvent {
    pub(crate) fn new(id: &str, run_id: &str, failed: Option<&Error>) -> Self {
        Self {
            id: id.to_owned(),
            run_id: run_id.to_owned(),
            exception: failed.map(ToString::to_string),
            error_class_on_exception: failed.map(|error| format!("{:?}", error.kind())),
        }
    }
}

type Listener = Arc<dyn StreamingQueryListener>;
type List = Arc<RwLock<Vec<Listener>>>;

/// The listeners of a session. Clones share them.
#[derive(Clone, Default)]
pub struct Listeners(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The task that delivers shares the list, and nothing that would keep it alive.
    list: List,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    sender: Option<Sender<Event>>,
    dropped: u64,
}

/// What is delivered later.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Progress(Box<QueryProgressEvent>),
    Idle(QueryIdleEvent),
    Terminated(QueryTerminatedEvent),
}

impl Listeners {
    /// Adds a listener, for the queries that run and those to come.
    pub fn add(&self, listener: Listener) {
        write(&self.0.list).push(listener);
    }

    /// Removes a listener that was added; whether it was there.
    pub fn remove(&self, listener: &Listener) -> bool {
        let mut list = write(&self.0.list);
        let at = list.iter().position(|known| Arc::ptr_eq(known, listener));
        at.map(|at| list.remove(at)).is_some()
    }

    /// The listeners, in the order in which they were added.
    pub fn list(&self) -> Vec<Listener> {
        read(&self.0.list)
    }

    /// Tells of a query that starts, and returns when all listeners have heard of it.
    pub(crate) async fn started(&self, event: QueryStartedEvent) {
        let event = Arc::new(event);
        for listener in self.list() {
            let event = Arc::clone(&event);
            run(move || listener.on_query_started(&event)).await;
        }
    }

    /// Has an event delivered to those who listen.
    pub(crate) fn post(&self, event: Event) {
        if read(&self.0.list).is_empty() {
            return;
        }
        let mut queue = self.queue();
        if queue.sender.as_ref().is_none_or(Sender::is_closed) {
            // The first event, or the runtime in which the task ran has ended.
            let (sender, receiver) = mpsc::channel(QUEUE);
            task::spawn(deliver(Arc::clone(&self.0.list), receiver)).detach();
            queue.sender = Some(sender);
        }
        let Some(sender) = &queue.sender else { return };
        match sender.try_send(event) {
            Ok(()) => (),
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => {
                queue.dropped += 1;
                if queue.dropped.is_power_of_two() {
                    tracing::warn!(
                        "the listeners are too slow: {} events were dropped",
                        queue.dropped
                    );
                }
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("count", &self.list().len()).finish()
    }
}

fn write(list: &List) -> std::sync::RwLockWriteGuard<'_, Vec<Listener>> {
    list.write().unwrap_or_else(PoisonError::into_inner)
}

fn read(list: &List) -> Vec<Listener> {
    list.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Hands events out until nobody can post one any more.
async fn deliver(list: List, mut events: Receiver<Event>) {
    while let Some(event) = events.recv().await {
        let event = Arc::new(event);
        for listener in read(&list) {
            let event = Arc::clone(&event);
            run(move || match &*event {
                Event::Progress(event) => listener.on_query_progress(event),
                Event::Idle(event) => listener.on_query_idle(event),
                Event::Terminated(event) => listener.on_query_terminated(event),
            })
            .await;
        }
    }
}

/// Runs a listener where it may block; a panic is logged and harms nobody.
async fn run(call: impl FnOnce() + Send + 'static) {
    if let Err(error) = task::spawn_blocking(call).await {
        tracing::warn!("a listener failed: {error}");
    }
}
