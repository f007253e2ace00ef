//! `millstream sql`: statements that end, with the rows of each query among them. Without
//! statements it is a [`shell`](super::shell).

use millstream::sql::statement::Statement;
use millstream::{Error, StreamSession};

use super::args::SqlArgs;
use super::check::refuse_wrong;
use super::execution::{Ending, Execution, ends};
use super::failure::Failure;
use super::output::Printer;
use super::progress::{Lines, Monitor};
use super::script::Script;
use super::shell;

/// Runs the command.
pub(crate) async fn sql(session: StreamSession, args: &SqlArgs) -> Result<Ending, Failure> {
    let printer = Printer::new(args.format).with_null(&args.null);
    let script = match (args.text.command.as_slice(), &args.text.file) {
        ([], Some(file)) => Script::read(file)?,
        ([], None) => return Box::pin(shell::run(session, printer)).await,
        (texts, _) => Script::of_arguments(texts)?,
    };
    refuse_endless(&script)?;
    refuse_wrong(&session, &script).await?;
    let monitor = Monitor::new(session.streams().clone(), Lines::None);
    Execution { session, script, printer }.run(monitor).await
}

/// Refuses streaming tables that the command would have to wait for without an end, before
/// anything is run.
fn refuse_endless(script: &Script) -> Result<(), Failure> {
    for (at, statement) in script.statements.iter().enumerate() {
        if let Statement::CreateStreamingTable(create) = statement
            && !ends(create.trigger)
        {
            let message = format!(
                "streaming table `{}` has a trigger without an end, and `millstream sql` waits for its queries; write TRIGGER AVAILABLE NOW, or use `millstream run`",
                create.name
            );
            return Err(script.failure(at + 1, Error::unsupported(message)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Failure> {
        refuse_endless(&Script::parse("-c".to_owned(), text).unwrap())
    }

    #[test]
    fn a_streaming_table_needs_a_trigger_that_ends() {
        check("CREATE STREAMING TABLE t TRIGGER ONCE AS SELECT 1; SELECT * FROM t").unwrap();
        check("CREATE STREAMING TABLE t TRIGGER AVAILABLE NOW AS SELECT 1").unwrap();
        for trigger in ["", "TRIGGER PROCESSING TIME '1 second'"] {
            let text = format!("CREATE STREAMING TABLE t {trigger} AS SELECT 1");
            let Err(Failure::Engine { error, .. }) = check(&text) else { panic!("{trigger}") };
            assert!(error.to_string().contains("TRIGGER AVAILABLE NOW"), "{error}");
        }
    }
}
