//! For any rows, split into epochs in any way, with restarts and with any number of partitions, a
//! streaming query says what the same query says over all rows at once.
//!
//! `MILLSTREAM_PROPERTY_CASES` sets how many inputs each query gets, `MILLSTREAM_PROPERTY_SEED`
//! which ones; what fails is shrunk to the smallest input that fails.

mod aggregates;
mod guards;
mod input;
mod run;

use std::fmt::Display;
use std::time::Duration;

use millstream::runtime::task;
use proptest::prelude::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::Handle;

use crate::case::Case;
use crate::outcome::{Fallible, Outcome};
use crate::property::guards::Question;
use crate::property::input::Input;
use crate::property::run::Query;

/// How many inputs each query gets.
const CASES: &str = "MILLSTREAM_PROPERTY_CASES";

/// Which inputs.
const SEED: &str = "MILLSTREAM_PROPERTY_SEED";

const DEFAULT_CASES: u32 = 24;

/// The queries; `{t}` is the table, as a stream or as it stands.
const QUERIES: &[Query] = &[
    Query {
        name: "grouped",
        mode: "complete",
        text: "SELECT k, count(*) AS n, count(v) AS nv, sum(v) AS sv, min(v) AS mi, max(v) AS ma, \
               avg(v) AS av, sum(x) AS sx, min(s) AS mis, max(s) AS mas FROM {t} GROUP BY k",
    },
    Query {
        name: "global",
        mode: "complete",
        text: "SELECT count(*) AS n, sum(v) AS sv, min(x) AS mi, max(s) AS ma, avg(v) AS av FROM {t}",
    },
    aggregates::GLOBAL,
    aggregates::GROUPED,
    Query {
        name: "filter_and_having",
        mode: "complete",
        text: "SELECT k, s, count(*) FILTER (WHERE v > 0) AS p, sum(v) FILTER (WHERE x < 0) AS m \
               FROM {t} GROUP BY k, s HAVING count(*) > 1",
    },
    Query {
        name: "where_and_expressions",
        mode: "complete",
        text: "SELECT v % 3 AS m, sum(v + 1) * 2 AS t, max(upper(s)) AS u FROM {t} \
               WHERE v IS NOT NULL GROUP BY v % 3",
    },
    Query {
        name: "tumbling",
        mode: "complete",
        text: "SELECT window.start AS ws, window.end AS we, k, count(*) AS n, avg(v) AS av \
               FROM {t} GROUP BY window(ts, '10 seconds'), k",
    },
    Query {
        name: "sliding",
        mode: "complete",
        text: "SELECT window.start AS ws, count(*) AS n, sum(v) AS sv \
               FROM {t} GROUP BY window(ts, '10 seconds', '4 seconds', '1 second')",
    },
    Query {
        name: "final_windows",
        mode: "append",
        text: "SELECT window.start AS ws, k, count(*) AS n, max(v) AS ma \
               FROM {t} WATERMARK ts DELAY OF INTERVAL 1 HOUR \
               WHERE ts < TIMESTAMP '2024-01-02T00:00:00Z' GROUP BY window(ts, '7 seconds'), k",
    },
    Query {
        name: "joined_with_a_table",
        mode: "append",
        text: "SELECT t.k, t.v, d.name FROM {t} AS t LEFT JOIN \
               (VALUES ('a', 'Anna', 1), ('b', 'Bert', 2), ('b', 'Bea', 0), (NULL, 'None', 1)) \
               AS d(k, name, least) ON t.k = d.k AND t.v >= d.least",
    },
    Query {
        name: "kept_by_a_table",
        mode: "complete",
        text: "SELECT t.k, count(*) AS n, max(d.name) AS name FROM {t} AS t JOIN \
               (VALUES ('a', 'Anna'), ('b', 'Bert'), (NULL, 'None')) AS d(k, name) ON t.k <=> d.k \
               WHERE t.v NOT IN (SELECT v FROM (VALUES (1), (2)) AS w(v)) GROUP BY t.k",
    },
];

/// One case for each query.
pub(crate) fn cases() -> Fallible<Vec<Case>> {
    let cases = number(CASES)?.map_or(Ok(DEFAULT_CASES), u32::try_from)?;
    let seed = number(SEED)?.unwrap_or(1);
    let case = |query: &'static Query| {
        let limit = Duration::from_secs(60 + 5 * u64::from(cases));
        Case::new(format!("property/{}", query.name), move || search(query, cases, seed))
            .within(limit)
    };
    let guards = Case::new("property/guards".to_owned(), move || guards(4 * cases, seed))
        .within(Duration::from_secs(60 + 5 * u64::from(cases)));
    Ok(QUERIES.iter().map(case).chain([guards]).collect())
}

/// A number of the environment.
pub(crate) fn number(name: &str) -> Fallible<Option<u64>> {
    match std::env::var(name) {
        Ok(text) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("{name} is `{text}`, and must be a whole number").into()),
        },
        Err(_) => Ok(None),
    }
}

/// Looks for an input that a query answers wrongly.
async fn search(query: &'static Query, cases: u32, seed: u64) -> Fallible<Outcome> {
    let handle = Handle::current();
    let check = move |input: &Input| handle.block_on(run::check(query, input));
    try_all(input::inputs, check, cases, seed).await
}

/// Looks for conditions that do not guard.
async fn guards(cases: u32, seed: u64) -> Fallible<Outcome> {
    let handle = Handle::current();
    let check = move |question: &Question| handle.block_on(guards::check(question));
    try_all(guards::questions, check, cases, seed).await
}

async fn try_all<S>(
    strategy: impl Fn() -> S + Send + 'static,
    check: impl Fn(&S::Value) -> Fallible<()> + Send + 'static,
    cases: u32,
    seed: u64,
) -> Fallible<Outcome>
where
    S: Strategy,
    S::Value: Clone + Display + Send + 'static,
{
    let search = task::spawn_blocking(move || {
        let config =
            Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        TestRunner::new_with_rng(config, rng).run(&strategy(), |input| {
            check(&input).map_err(|failure| TestCaseError::fail(failure.to_string()))
        })
    });
    match search.await? {
        Ok(()) => Ok(Outcome::Passed),
        Err(TestError::Fail(reason, input)) => {
            Err(format!("{}\nthe smallest input, {SEED}={seed}: {input}", reason.message()).into())
        }
        Err(TestError::Abort(reason)) => Err(reason.message().to_owned().into()),
    }
}
