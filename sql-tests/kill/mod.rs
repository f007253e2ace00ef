//! The built program, killed at random moments over files that keep coming, and started again:
//! its output is what a batch query over all files gives.
//!
//! `MILLSTREAM_KILL_ROUNDS` sets how many rounds there are, `MILLSTREAM_KILL_SEED` which moments.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millstream::StreamSession;
use millstream::runtime::clock::{Clock, SystemClock};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::case::Case;
use crate::outcome::{Failure, Fallible, Outcome, ensure};
use crate::property::number;
use crate::workspace::Workspace;
use crate::{render, report};

const ROUNDS: &str = "MILLSTREAM_KILL_ROUNDS";
const SEED: &str = "MILLSTREAM_KILL_SEED";
const DEFAULT_ROUNDS: u64 = 4;

/// How often the program is killed in a round.
const KILLS: usize = 6;

/// One case with all rounds.
pub(crate) fn cases() -> Fallible<Vec<Case>> {
    let rounds = number(ROUNDS)?.unwrap_or(DEFAULT_ROUNDS);
    let seed = number(SEED)?.unwrap_or(1);
    let case = Case::new("kill/output_equals_batch", move || async move {
        let mut done = Totals::default();
        for round in 0..rounds {
            Box::pin(play(seed + round, &mut done)).await.map_err(|failure| {
                Failure::from(format!("with {SEED}={} and one round: {failure}", seed + round))
            })?;
        }
        report::show(&format!(
            "kill: {rounds} rounds, {} kills, {} of them in the middle of an epoch, {} files, {} result rows equal to batch",
            done.kills, done.amid, done.files, done.rows
        ));
        Ok(Outcome::Passed)
    });
    Ok(vec![case.within(Duration::from_secs(60 + 60 * rounds))])
}

#[derive(Debug, Default)]
struct Totals {
    kills: usize,
    /// Kills after which an epoch was in the offset log and not in the commit log.
    amid: usize,
    files: usize,
    rows: usize,
}

struct Round {
    workspace: Workspace,
    random: TestRng,
    files: usize,
}

async fn play(seed: u64, done: &mut Totals) -> Fallible<()> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut round = Round { workspace: Workspace::new()?, random, files: 0 };
    round.workspace.folder("in")?;
    fs::write(round.workspace.child("query.sql"), round.script())?;
    for _ in 0..KILLS {
        let mut program = round.program(&[])?;
        let killed = round.feed(&mut program).await;
        program.kill()?;
        program.wait()?;
        killed?;
        done.kills += 1;
        done.amid += usize::from(round.is_amid_epoch()?);
    }
    round.add_file(true)?;
    let ended = round.program(&["--available-now"])?.wait_with_output()?;
    ensure(ended.status.success(), || {
        format!("the last run failed: {}", String::from_utf8_lossy(&ended.stderr))
    })?;
    done.files += round.files;
    done.rows += round.compare().await?;
    Ok(())
}

impl Round {
    fn script(&self) -> String {
        let folder = self.workspace.path().display();
        format!(
            "CREATE TABLE events (ts TIMESTAMP, k STRING, v BIGINT) USING json \
             OPTIONS (path '{folder}/in', maxFilesPerTrigger 2);\n\
             CREATE STREAMING TABLE totals USING parquet \
             OPTIONS (path '{folder}/out', checkpointLocation '{folder}/checkpoint') AS\n\
             SELECT window.start AS ws, k, count(*) AS n, sum(v) AS t\n\
             FROM STREAM events WATERMARK ts DELAY OF INTERVAL 5 MINUTES\n\
             WHERE ts < TIMESTAMP '2025-01-01T00:00:00Z'\n\
             GROUP BY window(ts, '10 seconds'), k;\n"
        )
    }

    fn program(&self, more: &[&str]) -> Fallible<Child> {
        let program = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .arg("run")
            .arg(self.workspace.child("query.sql"))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(program)
    }

    /// Adds files for a random while, in which the program must not end.
    async fn feed(&mut self, program: &mut Child) -> Fallible<()> {
        let files = 2 + self.below(5);
        for _ in 0..files {
            self.add_file(false)?;
            let pause = i64::try_from(self.below(120))?;
            SystemClock.sleep_until(SystemClock.now_millis() + pause).await;
            if let Some(status) = program.try_wait()? {
                return Err(format!("the program ended by itself: {status}").into());
            }
        }
        Ok(())
    }

    /// A file of rows whose times advance with each file; the last file makes all windows final.
    fn add_file(&mut self, is_last: bool) -> Fallible<()> {
        let mut lines = String::new();
        for _ in 0..1 + self.below(8) {
            let second = self.files as u64 * 3 + self.below(20);
            let (minute, second) = (second / 60, second % 60);
            let key = ["a", "b", "c"][usize::try_from(self.below(3))?];
            let value = self.below(100);
            lines.push_str(&format!(
                "{{\"ts\": \"2024-01-01T00:{minute:02}:{second:02}Z\", \"k\": \"{key}\", \"v\": {value}}}\n"
            ));
        }
        if is_last {
            lines.push_str("{\"ts\": \"2025-06-01T00:00:00Z\", \"k\": \"end\", \"v\": 0}\n");
        }
        self.files += 1;
        self.workspace.put("in", "json", lines.as_bytes())?;
        Ok(())
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn is_amid_epoch(&self) -> Fallible<bool> {
        let newest = |log: &str| -> Fallible<Option<u64>> {
            let folder = self.workspace.path().join("checkpoint").join(log);
            if !folder.exists() {
                return Ok(None);
            }
            let mut newest = None;
            for entry in fs::read_dir(folder)? {
                newest = newest.max(entry?.file_name().to_string_lossy().parse().ok());
            }
            Ok(newest)
        };
        Ok(newest("offsets")? > newest("commits")?)
    }

    /// Compares the output, read through its log, with a batch query; how many rows it has.
    async fn compare(&self) -> Fallible<usize> {
        let session = StreamSession::new()?;
        let folder = self.workspace.path().display();
        session
            .sql(&format!(
                "CREATE TABLE events (ts TIMESTAMP, k STRING, v BIGINT) USING json \
                 OPTIONS (path '{folder}/in');\n\
                 CREATE TABLE totals (ws TIMESTAMP, k STRING, n BIGINT, t BIGINT) USING parquet \
                 OPTIONS (path '{folder}/out')"
            ))
            .await?;
        let batch = "SELECT window.start AS ws, k, count(*) AS n, sum(v) AS t FROM events \
                     WHERE ts < TIMESTAMP '2025-01-01T00:00:00Z' GROUP BY window(ts, '10 seconds'), k";
        let expected = sorted(&session, batch).await?;
        let got = sorted(&session, "SELECT ws, k, n, t FROM totals").await?;
        ensure(expected == got, || {
            format!("the output differs\nbatch:  {}\noutput: {}", expected.join(" "), got.join(" "))
        })?;
        Ok(got.len())
    }
}

async fn sorted(session: &StreamSession, query: &str) -> Fallible<Vec<String>> {
    let rows = render::all_rows(&session.sql(query).await?.collect().await?)?;
    let mut lines: Vec<String> =
        rows.into_iter().map(|row| serde_json::Value::Array(row).to_string()).collect();
    lines.sort();
    Ok(lines)
}
