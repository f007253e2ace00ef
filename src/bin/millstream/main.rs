//! The command line of Millstream: `millstream run` for scripts with streaming queries,
//! `millstream check` for what is wrong with one, `millstream sql` for statements with an end, and
//! for a shell.
//!
//! Rows go to the standard output, everything else to the standard error, so that results can be
//! piped. Nothing here is of use to a program that embeds the engine.
//!
//! ```text
//! args --> script --> check           each statement, before any is run
//!            |------> execution       statements in order, then the end of the queries
//!          shell ------'              statements as they are typed
//!                     |- output       the rows of queries, as a table, CSV or JSON
//!                     |- progress     a line for each epoch or query, and who failed
//!                     '- signals      the first stops gracefully, the second at once
//! ```

mod args;
mod bars;
mod check;
mod checkpoint;
mod execution;
mod failure;
mod fit;
mod output;
mod progress;
mod run;
mod screen;
mod script;
mod shell;
mod signals;
mod sql;

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use millstream::StreamSession;
use millstream::runtime::stack::with_room;
use millstream::sinks::console::ConsoleSinkFactory;
use tracing_subscriber::EnvFilter;

use self::args::{Cli, Command, filter, meant};
use self::execution::Ending;
use self::failure::{Failure, report};
use self::screen::{Console, LogWriter};

/// Names the log filter when `--log` is not there.
const LOG_VARIABLE: &str = "MILLSTREAM_LOG";

/// How much stack a thread has: a text may have as many levels as the library allows. Memory is taken
/// only for what is used of it.
const STACK: usize = 64 * 1024 * 1024;

/// How long the process waits for what still runs when it is to end at once.
const GRACE: Duration = Duration::from_millis(300);

/// The loop logs why a query failed; the command says the same when it ends.
const DEFAULT_LOG: &str = "warn,millstream::query::epoch_loop=off";

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let arguments: Vec<String> = std::env::args().collect();
            if let Some(meant) = meant(&arguments).filter(|_| error.use_stderr()) {
                let failure = Failure::usage(meant);
                report(&failure);
                return ExitCode::from(failure.code());
            }
            error.exit()
        }
    };
    let ending = start_log(&cli).and_then(|()| start(&cli));
    match ending {
        Ok(ending) => ExitCode::from(ending.code()),
        Err(failure) => {
            report(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn start_log(cli: &Cli) -> Result<(), Failure> {
    let variable = || std::env::var(LOG_VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let given = cli.log().map(str::to_owned).or_else(variable);
    let text = match given {
        Some(text) => filter(&text)
            .map_err(|why| Failure::usage(format!("the log level cannot be `{text}`: {why}")))?,
        None => DEFAULT_LOG.to_owned(),
    };
    let wrong = |why: String| Failure::usage(format!("the log level cannot be `{text}`: {why}"));
    let filter = EnvFilter::try_new(&text).map_err(|error| wrong(error.to_string()))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogWriter)
        .try_init()
        .map_err(|error| Failure::usage(format!("the log cannot be started: {error}")))
}

fn start(cli: &Cli) -> Result<Ending, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // A query computes on as many threads as there are cores, and on one more; signals and
        // files need a thread that is not busy.
        .worker_threads(cores + 2)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("threads cannot be started", error))?;
    let work = async {
        // The session is made inside, since what it holds may need the runtime.
        let session = session(cli)?;
        match &cli.command {
            Command::Run(args) => Box::pin(run::run(session, args)).await,
            Command::Check(args) => Box::pin(check::check(&session, args)).await,
            Command::Sql(args) => Box::pin(sql::sql(session, args)).await,
            Command::Checkpoint(args) => Box::pin(checkpoint::checkpoint(args)).await,
        }
    };
    let ending = with_room(|| runtime.block_on(work));
    if let Ok(ending) = &ending {
        // Told before the runtime ends, which may take long.
        ending.failures.iter().for_each(report);
        if ending.aborted || ending.is_busy {
            // Nobody wants to wait for what still computes, and a thread that waits for input may
            // do so for ever. What only has to be dropped, such as temporary folders, is.
            runtime.shutdown_timeout(GRACE);
        }
    }
    ending
}

fn session(cli: &Cli) -> Result<StreamSession, Failure> {
    let console = ConsoleSinkFactory::new(Arc::new(Console));
    let mut builder = StreamSession::builder().with_sink("console", Arc::new(console));
    for (key, value) in cli.settings() {
        builder = builder.config(key, value);
    }
    builder.build().map_err(|error| Failure::usage(format!("--conf: {error}")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_the_quickstart_as_it_is() {
        let readme = include_str!("../../../README.md");
        let script = include_str!("../../../examples/quickstart.sql");
        assert!(readme.contains(script.trim()), "copy examples/quickstart.sql into README.md");
    }
}
