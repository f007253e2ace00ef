//! The shell itself: what is said is done, one after the other, while the queries run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt;
use millstream::StreamSession;
use millstream::connector::options::nearest;
use millstream::runtime::clock::{Clock, Stopwatch, SystemClock};
use millstream::sql::statement::{Statement, parse};
use millstream::{Error, StreamingQuery};

use super::super::execution::{Ending, ends, perform_apart, stop_all, wait};
use super::super::failure::{Failure, report, say};
use super::super::fit::Screen;
use super::super::output::{Printer, emit};
use super::super::progress::{Lines, Monitor};
use super::super::signals::Signals;
use super::commands::{self, Request};
use super::input::{Input, Said};
use super::names::Names;
use super::place;

/// How often the queries are looked at while nothing is said, in milliseconds.
const LOOK_EVERY: i64 = 50;

/// Runs the shell up to the end of its input.
pub(crate) async fn run(session: StreamSession, printer: Printer) -> Result<Ending, Failure> {
    let mut signals = Signals::listen()?;
    let mut input = Input::open()?;
    let mut shell = Shell {
        is_terminal: input.is_terminal(),
        history: input.history().map(Path::to_owned),
        printer: printer.on_screen(Screen::of_stdout().filter(|_| input.is_terminal())),
        timing: false,
        failed: false,
        cancelled: false,
        ending: BTreeSet::new(),
        told: BTreeSet::new(),
        session,
    };
    if shell.is_terminal {
        say(concat!("Millstream ", env!("CARGO_PKG_VERSION"), "; .help lists the commands"));
    }
    // A thread that waits to print above a line is not waited for.
    let mut ending = Ending { is_busy: shell.is_terminal, ..Ending::default() };
    loop {
        shell.tell_failed();
        let names = if shell.is_terminal {
            Box::pin(Names::of(&shell.session)).await
        } else {
            Names::default()
        };
        let Some(said) = shell.listen(&mut input, names, &mut signals).await? else {
            ending.cut_short = true;
            // Nor is one that reads.
            ending.is_busy = true;
            break;
        };
        match shell.take(said, &mut signals).await? {
            Flow::On => (),
            Flow::Leave => break,
            Flow::CutShort => {
                ending.cut_short = true;
                break;
            }
        }
    }
    shell.leave(&mut signals, &mut ending).await;
    Ok(ending)
}

struct Shell {
    session: StreamSession,
    printer: Printer,
    is_terminal: bool,
    /// Where what is said is kept.
    history: Option<PathBuf>,
    timing: bool,
    /// Whether a statement failed.
    failed: bool,
    /// Whether a statement was cancelled.
    cancelled: bool,
    /// The names of the queries that end by themselves.
    ending: BTreeSet<String>,
    /// The runs whose failure was told.
    told: BTreeSet<String>,
}

/// Whether the shell goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Leave,
    /// A signal came where nobody sits at a terminal.
    CutShort,
}

impl Shell {
    /// Waits for what is said next, and tells meanwhile which queries fail. A signal gives none.
    async fn listen(
        &mut self,
        input: &mut Input,
        names: Names,
        signals: &mut Signals,
    ) -> Result<Option<Said>, Failure> {
        let mut next = std::pin::pin!(input.next(names));
        loop {
            let pause = SystemClock.now_millis().saturating_add(LOOK_EVERY);
            tokio::select! {
                said = &mut next => return said.map(Some),
                () = signals.next() => return Ok(None),
                () = SystemClock.sleep_until(pause) => self.tell_failed(),
            }
        }
    }

    /// Does what was said. A signal cancels it.
    async fn take(&mut self, said: Said, signals: &mut Signals) -> Result<Flow, Failure> {
        // What was asked before this was said is not for it.
        while signals.next().now_or_never().is_some() {}
        let is_terminal = self.is_terminal;
        let done = tokio::select! {
            done = Box::pin(self.perform(said)) => done,
            () = signals.next() => {
                say("cancelled");
                self.cancelled = true;
                return Ok(if is_terminal { Flow::On } else { Flow::CutShort });
            }
        };
        match done {
            Ok(flow) => Ok(flow),
            Err(failure) => self.told(failure).map(|()| Flow::On),
        }
    }

    /// Tells of a failure, after which the shell goes on.
    fn told(&mut self, failure: Failure) -> Result<(), Failure> {
        if matches!(failure, Failure::NobodyReads) {
            return Err(failure);
        }
        self.failed = true;
        report(&failure);
        Ok(())
    }

    async fn perform(&mut self, said: Said) -> Result<Flow, Failure> {
        match said {
            Said::End => return Ok(Flow::Leave),
            Said::Cancelled => (),
            Said::Command(command) => return self.command(&command).await,
            Said::Statements { text, lines_before } => {
                // Errors count the lines of all that was said.
                let text: Arc<str> = ("\n".repeat(lines_before) + &text).into();
                for statement in parse(&text).map_err(|error| placed(&text, error))? {
                    // What stands behind it on the line is run, as what is on the next line is.
                    if let Err(failure) = self.statement(statement, &text).await {
                        self.told(failure)?;
                    }
                }
            }
        }
        Ok(Flow::On)
    }

    async fn statement(&mut self, statement: Statement, text: &Arc<str>) -> Result<(), Failure> {
        if !self.is_terminal && statement.reads_rows() {
            wait(&self.session, &self.ending).await?;
        }
        let watch = Stopwatch::start();
        let started = match &statement {
            Statement::CreateStreamingTable(create) => Some((create.name.clone(), create.trigger)),
            _ => None,
        };
        let of = Arc::clone(text);
        let wrap = move |error| placed(&of, error);
        let printer = self.printer.clone();
        self.printer = perform_apart(&self.session, statement, printer, wrap).await?;
        if let Some((name, trigger)) = started {
            if self.is_terminal {
                say(&format!("streaming query `{name}` runs"));
            }
            if ends(trigger) {
                self.ending.insert(name);
            }
        }
        if self.timing {
            say(&format!("took {} ms", watch.elapsed().as_millis()));
        }
        Ok(())
    }

    async fn command(&mut self, text: &str) -> Result<Flow, Failure> {
        let session = self.session.clone();
        let shown = match commands::read(text).map_err(Failure::engine)? {
            Request::Quit => return Ok(Flow::Leave),
            Request::Help => Ok(commands::help(self.history.as_deref())),
            Request::Queries => commands::queries(&session),
            Request::Tables => commands::tables(&session).await,
            Request::Schema(table) => commands::schema(&session, &table).await,
            Request::Timing(on) => {
                self.timing = on.unwrap_or(!self.timing);
                say(if self.timing { "timing is on" } else { "timing is off" });
                Ok(String::new())
            }
            Request::Wide(on) => {
                if let Some(screen) = self.printer.screen() {
                    screen.is_wide = on.unwrap_or(!screen.is_wide);
                    say(if screen.is_wide { "tables are whole" } else { "tables fit the screen" });
                }
                Ok(String::new())
            }
            Request::Pager(on) => {
                if let Some(screen) = self.printer.screen() {
                    screen.has_pager = on.unwrap_or(!screen.has_pager);
                    say(if screen.has_pager { "the pager is on" } else { "the pager is off" });
                }
                Ok(String::new())
            }
            Request::Wait(query) => {
                for query in self.awaited(query.as_deref())? {
                    if let Err(error) = query.process_all_available().await {
                        self.told.insert(query.run_id().to_owned());
                        return Err(Failure::engine(error));
                    }
                }
                Ok(String::new())
            }
        };
        emit(shown.map_err(Failure::engine)?.as_bytes())?;
        Ok(Flow::On)
    }

    fn awaited(&self, name: Option<&str>) -> Result<Vec<StreamingQuery>, Failure> {
        let active = self.session.streams().active();
        let Some(name) = name else { return Ok(active) };
        let all = self.session.streams().all();
        let is_it = |query: &&StreamingQuery| {
            query.id() == name || query.name().is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        all.iter().rfind(is_it).map(|query| vec![query.clone()]).ok_or_else(|| {
            let names = active.iter().filter_map(|query| query.name());
            Failure::engine(Error::NotFound {
                what: "streaming query",
                name: name.to_owned(),
                nearest: nearest(name, names).map(str::to_owned),
            })
        })
    }

    /// Tells of the queries that have failed since the last time.
    fn tell_failed(&mut self) {
        for query in self.session.streams().all() {
            if let Some(error) = query.exception()
                && self.told.insert(query.run_id().to_owned())
            {
                self.failed = true;
                report(&Failure::engine(error));
            }
        }
    }

    /// Waits for what ends by itself where nobody sits at a terminal, and stops the rest.
    async fn leave(mut self, signals: &mut Signals, ending: &mut Ending) {
        if !self.is_terminal && !ending.cut_short {
            tokio::select! {
                // Whoever failed is told below.
                _ended = wait(&self.session, &self.ending) => (),
                () = signals.next() => ending.cut_short = true,
            }
        }
        if self.is_terminal && !self.session.streams().active().is_empty() {
            say("stopping after the epochs that run; Ctrl-C aborts them");
        }
        let monitor = Monitor::new(self.session.streams().clone(), Lines::None);
        stop_all(&self.session, &monitor, signals, ending).await;
        // What was cancelled may not have noticed yet.
        ending.is_busy |= self.cancelled;
        self.tell_failed();
        if self.failed && !self.is_terminal {
            ending.failures.push(Failure::Query);
        }
    }
}

/// An error with the place that it is about.
fn placed(text: &str, error: Error) -> Failure {
    let mark = place::mark(text, &error.to_string());
    Failure::Statement { error: Box::new(error), mark }
}
