//! The programs and scripts of `examples/`, run as a reader would run them.
//!
//! Rust examples are run where cargo has built them, which `cargo test` does when it builds all
//! targets; those that were not built are skipped.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use millstream::runtime::task;

use crate::case::Case;
use crate::outcome::{Fallible, Outcome, ensure};
use crate::workspace::Workspace;

/// Examples that end by themselves, and lines that they print.
const ENDING: &[(&str, &[&str])] = &[
    ("quickstart", &["/docs"]),
    (
        "windowed_word_count",
        &["|2024-01-01 12:00:00|cat |2    |", "|2024-01-01 12:05:00|cat |2    |"],
    ),
    (
        "log_analysis",
        &[
            "|   200|       2| 2086|2024-01-01 12:01:02|",
            "|   404|       2|  418|2024-01-01 12:01:40|",
        ],
    ),
    ("enriched_clicks", &["| help    | 26     |"]),
];

/// Examples that read from a server, and a line that they print for what it sends.
const NETWORK: (&str, &str) = ("network_word_count", "be|    4|");

/// All examples, each as a program and as a script.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![];
    for (name, lines) in ENDING {
        let rust = move || blocking(move || ends(name, lines, Kind::Rust));
        let sql = move || blocking(move || ends(name, lines, Kind::Sql));
        cases.push(Case::new(format!("examples/{name}_rs"), rust));
        cases.push(Case::new(format!("examples/{name}_sql"), sql));
    }
    let (name, line) = NETWORK;
    let rust = move || blocking(move || listens(name, line, Kind::Rust));
    let sql = move || blocking(move || listens(name, line, Kind::Sql));
    cases.push(Case::new(format!("examples/{name}_rs"), rust));
    cases.push(Case::new(format!("examples/{name}_sql"), sql));
    cases
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rust,
    Sql,
}

async fn blocking(work: impl FnOnce() -> Fallible<Outcome> + Send + 'static) -> Fallible<Outcome> {
    task::spawn_blocking(work).await?
}

/// The program of an example, if it was built.
fn built(name: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?.parent()?.join("examples");
    Some(folder.join(name)).filter(|program| program.exists())
}

/// A folder in which the paths of the scripts are right.
fn workspace() -> Fallible<Workspace> {
    let workspace = Workspace::new()?;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    std::os::unix::fs::symlink(examples, workspace.path().join("examples"))?;
    Ok(workspace)
}

fn command(name: &str, kind: Kind, workspace: &Workspace) -> Option<Command> {
    let mut command = match kind {
        Kind::Rust => Command::new(built(name)?),
        Kind::Sql => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
            command.arg("run");
            command
        }
    };
    command.current_dir(workspace.path()).stdin(Stdio::null());
    Some(command)
}

fn ends(name: &str, lines: &[&str], kind: Kind) -> Fallible<Outcome> {
    let workspace = workspace()?;
    let Some(mut command) = command(name, kind, &workspace) else { return Ok(Outcome::Skipped) };
    if kind == Kind::Sql {
        command.args([&format!("examples/{name}.sql"), "--available-now"]);
    }
    let output = command.output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure(output.status.success(), || {
        let complaints = String::from_utf8_lossy(&output.stderr);
        format!("it ended with {}\n{complaints}", output.status)
    })?;
    for line in lines {
        // A program and a script may lay the same values out in their own ways.
        let values =
            |text: &str| text.split(['|', ' ']).filter(|v| !v.is_empty()).collect::<String>();
        let wanted = values(line);
        ensure(printed.lines().any(|printed| values(printed).contains(&wanted)), || {
            format!("it did not print the values {line}\n{printed}")
        })?;
    }
    Ok(Outcome::Passed)
}

fn listens(name: &str, line: &str, kind: Kind) -> Fallible<Outcome> {
    let workspace = workspace()?;
    let server = TcpListener::bind("127.0.0.1:0")?;
    let port = server.local_addr()?.port().to_string();
    let Some(mut command) = command(name, kind, &workspace) else { return Ok(Outcome::Skipped) };
    match kind {
        Kind::Rust => {
            command.args(["127.0.0.1", &port]);
        }
        Kind::Sql => {
            let script = format!("{}/examples/{name}.sql", env!("CARGO_MANIFEST_DIR"));
            let script = std::fs::read_to_string(script)?;
            let script =
                script.replace("'localhost'", "'127.0.0.1'").replace("9999'", &format!("{port}'"));
            std::fs::write(workspace.path().join("query.sql"), script)?;
            command.arg("query.sql");
        }
    }
    let mut program = Ended(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let (mut connection, _) = server.accept()?;
    connection.write_all(b"to be or not to be\nthat is the question\n")?;
    connection.write_all(b"to be or not to be\n")?;
    let stdout = program.0.stdout.take().ok_or("the program has no output")?;
    for printed in BufReader::new(stdout).lines() {
        if printed?.contains(line) {
            return Ok(Outcome::Passed);
        }
    }
    Err(format!("it ended and did not print {line}").into())
}

/// A program that does not outlive its case.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
