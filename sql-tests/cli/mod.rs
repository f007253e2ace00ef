//! The built program as a user at a command line has it: arguments and input in, output out.
//!
//! ```text
//! # What the file promises.
//! >>> file in/1.json          puts a file into the folder in which the program runs
//! {"k": "a"}
//! >>> remove in/1.json        removes one
//! >>> fifo in/2.json          makes a FIFO
//! >>> link in/3.json nowhere  makes a link
//! >>> run sql --format csv    runs the program; the lines are its standard input
//! SELECT 1 AS one;
//! >>> stdout                  the lines that it prints, none by default
//! one
//! 1
//! >>> stderr                  the same for the standard error, where queries that run and the
//!                             program that started them write on their own: in any order
//! >>> exit 0                  the exit code, 0 by default
//! ```
//!
//! `[..]` in an expected line stands for any text, as ids and times are.

mod depth;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::case::Case;
use crate::outcome::{Fallible, Outcome, at, ensure};
use crate::workspace::Workspace;

/// A case for each file.
pub(crate) fn cases() -> Fallible<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql-tests/cli");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let case = |path: PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Case::new(format!("cli/{name}"), move || async move { play(&fs::read_to_string(&path)?) })
    };
    let mut cases: Vec<Case> = files.into_iter().map(case).collect();
    let deep = Case::new("cli/deep_statements", || async { depth::statements() });
    cases.push(deep.within(Duration::from_secs(180)));
    if cfg!(unix) {
        cases.push(Case::new("cli/signal_ends_a_computation", || async { signal() }));
    }
    Ok(cases)
}

/// A query that computes for long does not keep the program from ending when it is asked to.
fn signal() -> Fallible<Outcome> {
    let workspace = Workspace::new()?;
    let mut program = program(&workspace, &["run", "-"]).spawn()?;
    let script = "CREATE TABLE s USING `rate-micro-batch` OPTIONS (rowsPerBatch 1);
        CREATE STREAMING TABLE q USING noop AS SELECT * FROM STREAM s;
        SELECT count(*) FROM range(100000) a, range(1000000) b WHERE a.id * b.id % 7 = 3;";
    if let Some(mut stdin) = program.stdin.take() {
        stdin.write_all(script.as_bytes())?;
    }
    let stderr = program.stderr.take().ok_or("there is no standard error")?;
    // An epoch is told of when the program listens to signals, and the query has begun or is about
    // to.
    let told = BufReader::new(stderr)
        .lines()
        .find(|line| line.as_ref().is_ok_and(|line| line.contains("q: batch 0")));
    let sent = Command::new("kill").args(["-TERM", &program.id().to_string()]).status();
    if !matches!(&sent, Ok(sent) if sent.success()) {
        program.kill()?;
    }
    let code = program.wait()?.code();
    ensure(told.is_some() && code == Some(130), || {
        format!("expected an epoch and exit 130, found {told:?} and exit {code:?}; {sent:?}")
    })?;
    Ok(Outcome::Passed)
}

/// A section of a file.
#[derive(Debug)]
struct Section<'a> {
    /// Its line, counted from 1.
    line: usize,
    /// What stands behind the arrows.
    head: &'a str,
    body: Vec<&'a str>,
}

fn sections(text: &str) -> Fallible<Vec<Section<'_>>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(head) = line.strip_prefix(">>>") {
            sections.push(Section { line: number + 1, head: head.trim(), body: vec![] });
        } else if let Some(section) = sections.last_mut() {
            section.body.push(line);
        } else if !line.starts_with('#') && !line.is_empty() {
            return Err(format!("line {}: expected a comment or `>>>`", number + 1).into());
        }
    }
    Ok(sections)
}

fn play(text: &str) -> Fallible<Outcome> {
    let workspace = Workspace::new()?;
    let sections = sections(text)?;
    let mut runs = 0;
    for (index, section) in sections.iter().enumerate() {
        let place = format!("line {}", section.line);
        let words: Vec<&str> = section.head.split(' ').collect();
        match words.as_slice() {
            ["file", path] => {
                workspace.put_as(path, lines(&section.body).as_bytes())?;
            }
            ["remove", path] => fs::remove_file(workspace.path().join(path))?,
            // Where there are none, there is nothing that could go wrong.
            ["fifo", _] | ["link", _, _] if !cfg!(unix) => return Ok(Outcome::Passed),
            ["fifo", path] => {
                let made = Command::new("mkfifo").arg(workspace.path().join(path)).status()?;
                ensure(made.success(), || format!("{place}: mkfifo failed"))?;
            }
            ["link", path, target] => {
                let link = workspace.path().join(path);
                let made = Command::new("ln").arg("-s").arg(target).arg(link).status()?;
                ensure(made.success(), || format!("{place}: ln failed"))?;
            }
            ["run", arguments @ ..] => {
                runs += 1;
                let expected = Expected::read(&sections[index + 1..])?;
                run(&workspace, arguments, &lines(&section.body))
                    .and_then(|ended| expected.compare(&ended))
                    .map_err(|failure| at(&place, &failure))?;
            }
            ["stdout" | "stderr"] | ["exit", _] if runs > 0 => (),
            _ => return Err(format!("{place}: `{}` is no section", section.head).into()),
        }
    }
    ensure(runs > 0, || "the file runs nothing".to_owned())?;
    Ok(Outcome::Passed)
}

/// How the program ended.
#[derive(Debug)]
struct Ended {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

/// The program in the folder of the case.
fn program(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_millstream"));
    program
        .args(arguments)
        .current_dir(workspace.path())
        // Empty counts as not set.
        .env("MILLSTREAM_LOG", "")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    program
}

fn run(workspace: &Workspace, arguments: &[&str], input: &str) -> Fallible<Ended> {
    let mut program = program(workspace, arguments).spawn()?;
    if let Some(mut stdin) = program.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = program.wait_with_output()?;
    Ok(Ended {
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
        code: output.status.code(),
    })
}

/// How the program is to end.
#[derive(Debug, Default)]
struct Expected<'a> {
    stdout: Vec<&'a str>,
    stderr: Vec<&'a str>,
    code: i32,
}

impl<'a> Expected<'a> {
    /// Reads the sections behind a run, up to the next that does something.
    fn read(sections: &[Section<'a>]) -> Fallible<Self> {
        let mut expected = Self::default();
        for section in sections {
            match section.head.split(' ').collect::<Vec<_>>().as_slice() {
                ["stdout"] => expected.stdout.clone_from(&section.body),
                ["stderr"] => expected.stderr.clone_from(&section.body),
                ["exit", code] => expected.code = code.parse()?,
                _ => break,
            }
        }
        Ok(expected)
    }

    fn compare(&self, ended: &Ended) -> Fallible<()> {
        let same = fits_all(&self.stdout, &ended.stdout)
            && fit_in_any_order(&self.stderr, &ended.stderr)
            && ended.code == Some(self.code);
        ensure(same, || {
            let (stdout, stderr) = (lines(&self.stdout), lines(&self.stderr));
            format!(
                "expected\n{stdout}--- stderr\n{stderr}--- exit {}\nfound\n{}--- stderr\n{}--- exit {:?}",
                self.code, ended.stdout, ended.stderr, ended.code
            )
        })
    }
}

/// Lines as text. Blank ones at the end only keep sections apart.
fn lines(body: &[&str]) -> String {
    let end = body.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    body[..end].iter().map(|line| format!("{line}\n")).collect()
}

fn fits_all(expected: &[&str], found: &str) -> bool {
    let expected = lines(expected);
    let (expected, found): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    expected.len() == found.len() && expected.iter().zip(&found).all(|(e, f)| fits(e, f))
}

fn fit_in_any_order(expected: &[&str], found: &str) -> bool {
    let expected = lines(expected);
    let (mut expected, mut left): (Vec<_>, Vec<_>) =
        (expected.lines().collect(), found.lines().collect());
    let as_many = expected.len() == left.len();
    // What says most chooses first.
    expected.sort_by_key(|line| std::cmp::Reverse(line.len()));
    let mut take = |line: &&str| {
        let at = left.iter().position(|found| fits(line, found));
        at.map(|at| left.remove(at)).is_some()
    };
    as_many && expected.iter().all(&mut take)
}

/// Whether a line is what is expected of it.
fn fits(expected: &str, found: &str) -> bool {
    let mut parts = expected.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}
