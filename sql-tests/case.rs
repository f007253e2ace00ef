//! Runs cases: a few at a time, each in a task of its own and within a limit of time.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use millstream::runtime::clock::{Clock, SystemClock};
use millstream::runtime::task;

use crate::outcome::{Fallible, Outcome};
use crate::report::Report;

/// How many cases run at a time.
const WORKERS: usize = 2;

/// One test.
pub(crate) struct Case {
    /// Its group and its name, with a slash between.
    pub(crate) name: String,
    work: Box<dyn FnOnce() -> BoxFuture<'static, Fallible<Outcome>> + Send>,
    limit: Duration,
}

impl Case {
    /// A case that has a minute.
    pub(crate) fn new<F, R>(name: impl Into<String>, work: F) -> Self
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Fallible<Outcome>> + Send + 'static,
    {
        let work = Box::new(move || Box::pin(work()) as BoxFuture<'static, _>);
        Self { name: name.into(), work, limit: Duration::from_secs(60) }
    }

    /// Gives the case more time.
    pub(crate) const fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// Runs all cases and reports each as it ends.
pub(crate) async fn run_all(cases: Vec<Case>, report: &mut Report) {
    let mut ended = stream::iter(cases).map(run).buffer_unordered(WORKERS);
    while let Some((name, outcome)) = ended.next().await {
        report.add(&name, &outcome);
    }
}

async fn run(case: Case) -> (String, Fallible<Outcome>) {
    let Case { name, work, limit } = case;
    // A task of its own, so that a panic ends the case and nothing else.
    let task = task::spawn(async move { work().await });
    let until = SystemClock.now_millis() + i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    let outcome = tokio::select! {
        ended = task => match ended {
            Ok(outcome) => outcome,
            Err(error) => Err(error.into()),
        },
        () = SystemClock.sleep_until(until) => {
            Err(format!("it did not end within {} s", limit.as_secs()).into())
        }
    };
    (name, outcome)
}
