//! `millstream check`: what is wrong with a script, found without running any of it.

use std::fmt::Write;

use millstream::StreamSession;
use millstream::session::Checked;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use super::args::CheckArgs;
use super::execution::Ending;
use super::failure::Failure;
use super::output::emit;
use super::script::Script;

/// Runs the command.
pub(crate) async fn check(session: &StreamSession, args: &CheckArgs) -> Result<Ending, Failure> {
    let script = Script::read(&args.file)?;
    let found = session.check(&script.statements).await.map_err(Failure::engine)?;
    let mut ending = Ending::default();
    let mut lines = String::new();
    for (at, (statement, found)) in script.statements.iter().zip(found).enumerate() {
        let verdict = match found {
            Ok(Checked::DependsOn(number)) => format!("depends on statement {number}"),
            Ok(_) => "good".to_owned(),
            Err(error) => {
                ending.failures.push(script.failure(at + 1, error));
                "wrong".to_owned()
            }
        };
        let _infallible = writeln!(lines, "{}: {}: {verdict}", at + 1, statement.title());
    }
    emit(lines.as_bytes())?;
    Ok(ending)
}

/// Refuses a script of which a statement is wrong, before any of it is run. What a single statement
/// has against it, it says itself.
pub(crate) async fn refuse_wrong(session: &StreamSession, script: &Script) -> Result<(), Failure> {
    if script.statements.len() < 2 {
        return Ok(());
    }
    // Whoever runs the script hears of what is no error when it is run.
    let found = session.check(&script.statements).with_subscriber(NoSubscriber::default()).await;
    let found = found.map_err(Failure::engine)?;
    let wrong = found.into_iter().enumerate().find_map(|(at, found)| Some((at, found.err()?)));
    wrong.map_or(Ok(()), |(at, error)| Err(script.failure(at + 1, error)))
}
