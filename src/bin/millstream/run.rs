//! `millstream run`: a script whose streaming queries go on until they end or are stopped.

use millstream::StreamSession;
use millstream::config::Trigger;
use millstream::sql::statement::Statement;

use super::args::{Format, Progress, RunArgs};
use super::check::refuse_wrong;
use super::execution::{Ending, Execution};
use super::failure::Failure;
use super::output::Printer;
use super::progress::{Lines, Monitor};
use super::script::Script;

/// Runs the command.
pub(crate) async fn run(session: StreamSession, args: &RunArgs) -> Result<Ending, Failure> {
    let mut script = Script::read(&args.file)?;
    if args.available_now {
        process_what_is_there(&mut script);
    }
    refuse_wrong(&session, &script).await?;
    let lines = match args.progress {
        Progress::Lines => Lines::for_stderr(),
        Progress::Json => Lines::Json,
        Progress::None => Lines::None,
    };
    let monitor = Monitor::new(session.streams().clone(), lines);
    let monitor = match &args.progress_file {
        Some(path) => monitor.with_file(path)?,
        None => monitor,
    };
    Execution { session, script, printer: Printer::new(Format::Table) }.run(monitor).await
}

/// Gives every streaming table the trigger AVAILABLE NOW.
fn process_what_is_there(script: &mut Script) {
    for statement in &mut script.statements {
        if let Statement::CreateStreamingTable(create) = statement {
            create.trigger = Trigger::AvailableNow;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_now_replaces_every_trigger() {
        let text = "CREATE STREAMING TABLE a AS SELECT 1;
            CREATE STREAMING TABLE b TRIGGER PROCESSING TIME '1 minute' AS SELECT 1;
            CREATE STREAMING TABLE c TRIGGER CONTINUOUS '1 second' AS SELECT 1;
            SELECT 1";
        let mut script = Script::parse("job.sql".to_owned(), text).unwrap();
        process_what_is_there(&mut script);
        let triggers: Vec<_> = script
            .statements
            .iter()
            .filter_map(|statement| match statement {
                Statement::CreateStreamingTable(create) => Some(create.trigger),
                _ => None,
            })
            .collect();
        assert_eq!(triggers, [Trigger::AvailableNow; 3]);
    }
}
