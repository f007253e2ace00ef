//! Runs the statements of a script, waits for the queries that they start, and stops them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use millstream::StreamSession;
use millstream::config::Trigger;
use millstream::formats::display::Zone;
use millstream::runtime::task;
use millstream::sql::statement::Statement;

use super::failure::{Failure, say};
use super::output::Printer;
use super::progress::Monitor;
use super::script::Script;
use super::signals::Signals;

/// The exit code of what was interrupted: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// How a command ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// What failed, in the order in which it is told.
    pub(crate) failures: Vec<Failure>,
    /// Whether a signal came before the work was done.
    pub(crate) cut_short: bool,
    /// Whether a second signal came before all queries had stopped.
    pub(crate) aborted: bool,
    /// Whether a thread still waits for input, or computes what nobody wants any more.
    pub(crate) is_busy: bool,
}

impl Ending {
    pub(crate) fn code(&self) -> u8 {
        if self.aborted {
            return INTERRUPTED;
        }
        match self.failures.iter().map(Failure::code).max() {
            Some(code) if code > 0 => code,
            _ if self.cut_short => INTERRUPTED,
            _ => 0,
        }
    }
}

/// Whether a streaming query with this trigger ends by itself.
pub(crate) const fn ends(trigger: Trigger) -> bool {
    match trigger {
        Trigger::Once | Trigger::AvailableNow => true,
        Trigger::ProcessingTime(_) | Trigger::Continuous(_) => false,
    }
}

/// A script that is run.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) session: StreamSession,
    pub(crate) script: Script,
    pub(crate) printer: Printer,
}

/// What became of the work before something ended it.
enum Event {
    Done(Result<(), Failure>),
    QueryFailed,
    Signal,
}

impl Execution {
    /// Runs the script and its queries to their end. Where something fails or a signal comes, the
    /// queries that still run finish their epochs first.
    pub(crate) async fn run(self, monitor: Monitor) -> Result<Ending, Failure> {
        let mut signals = Signals::listen()?;
        let session = self.session.clone();
        let state = WorkState::new(&self.script);
        let event = tokio::select! {
            done = Box::pin(self.work(&state, &monitor)) => Event::Done(done),
            () = monitor.until_failure() => Event::QueryFailed,
            () = signals.next() => Event::Signal,
        };
        // What was not waited for may compute on, and nobody wants its rows any more.
        let is_busy = !matches!(event, Event::Done(Ok(())));
        let mut ending = Ending { is_busy, ..Ending::default() };
        match event {
            Event::Done(Ok(())) | Event::QueryFailed => (),
            Event::Done(Err(failure)) => ending.failures.push(failure),
            Event::Signal => {
                ending.cut_short = !state.only_endless.load(Ordering::Relaxed);
                if !session.streams().active().is_empty() {
                    say("stopping after the epochs that run; another signal aborts them");
                }
            }
        }
        stop_all(&session, &monitor, &mut signals, &mut ending).await;
        monitor.tell();
        let failed = session.streams().all().into_iter().filter_map(|query| query.exception());
        ending.failures.extend(failed.map(Failure::engine));
        Ok(ending)
    }

    async fn work(self, state: &WorkState, monitor: &Monitor) -> Result<(), Failure> {
        let Self { session, script, mut printer } = self;
        let script = Arc::new(script);
        for (at, statement) in script.statements.iter().enumerate() {
            if statement.reads_rows() {
                wait(&session, &state.ending).await?;
                // What led to the rows is told before the rows.
                monitor.tell();
            }
            let of = Arc::clone(&script);
            let wrap = move |error| of.failure(at + 1, error);
            printer = perform_apart(&session, statement.clone(), printer, wrap).await?;
        }
        wait(&session, &state.ending).await?;
        state.only_endless.store(true, Ordering::Relaxed);
        for query in session.streams().all() {
            query.await_termination(None).await.map_err(|_told_later| Failure::Query)?;
        }
        Ok(())
    }
}

/// Runs one statement as [`perform`] does, in a task of its own: one that computes for long without
/// a pause would keep its caller from hearing that a signal came or a query failed.
pub(crate) async fn perform_apart(
    session: &StreamSession,
    statement: Statement,
    mut printer: Printer,
    wrap: impl Fn(millstream::Error) -> Failure + Send + Sync + 'static,
) -> Result<Printer, Failure> {
    let session = session.clone();
    let work = task::spawn(async move {
        let done = Box::pin(perform(&session, &statement, &mut printer, &wrap)).await;
        done.map(|()| printer)
    });
    work.await.map_err(Failure::engine)?
}

/// Runs one statement and prints the rows that it gives. `wrap` gives an error its place.
async fn perform(
    session: &StreamSession,
    statement: &Statement,
    printer: &mut Printer,
    wrap: &(dyn Fn(millstream::Error) -> Failure + Sync),
) -> Result<(), Failure> {
    let run = Box::pin(session.run_statement(statement.clone())).await;
    let frame = run.map_err(wrap)?;
    let is_setting = matches!(statement, Statement::Set { value: Some(_), .. });
    if is_setting || frame.schema().fields().is_empty() {
        return Ok(());
    }
    let zone = Zone::parse(session.settings().time_zone()).map_err(wrap)?;
    Box::pin(printer.print(&frame, zone, wrap)).await
}

/// Stops all queries after the epochs that run; a signal aborts them.
pub(crate) async fn stop_all(
    session: &StreamSession,
    monitor: &Monitor,
    signals: &mut Signals,
    ending: &mut Ending,
) {
    let active = session.streams().active();
    let stopped = join_all(active.iter().map(|query| query.stop()));
    tokio::select! {
        results = stopped => {
            let failed = results.into_iter().filter_map(Result::err);
            ending.failures.extend(failed.map(Failure::engine));
        }
        () = monitor.forever() => (),
        () = signals.next() => ending.aborted = true,
    }
}

/// What a signal needs to know of the work.
#[derive(Debug)]
struct WorkState {
    /// The names of the queries that end by themselves.
    ending: BTreeSet<String>,
    /// Whether nothing is left but queries without an end.
    only_endless: AtomicBool,
}

impl WorkState {
    fn new(script: &Script) -> Self {
        let ending = script.statements.iter().filter_map(|statement| match statement {
            Statement::CreateStreamingTable(create) if ends(create.trigger) => {
                Some(create.name.clone())
            }
            _ => None,
        });
        Self { ending: ending.collect(), only_endless: AtomicBool::new(false) }
    }
}

/// Waits for the queries with these names.
pub(crate) async fn wait(session: &StreamSession, names: &BTreeSet<String>) -> Result<(), Failure> {
    for query in session.streams().all() {
        if query.name().is_some_and(|name| names.contains(name)) {
            query.await_termination(None).await.map_err(|_told_later| Failure::Query)?;
        }
    }
    Ok(())
}
