//! Random conditions that guard each other: rows, or an error, as Spark evaluates them, whatever
//! the share of bad rows and however the rows are cut into batches.

use std::fmt;

use millstream::StreamSession;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::outcome::{Fallible, ensure};

/// A condition over the text `v`, which may be no number, and the number `i`.
#[derive(Debug, Clone)]
enum Condition {
    /// `v <> 'x'`, which cannot fail.
    IsNumber,
    /// `i < n`, which cannot fail.
    Below(i64),
    /// `CAST(v AS INT) > n`, which fails on `x`.
    Above(i64),
    /// `10 DIV (i - n) > 0`, which fails where i is n.
    Quotient(i64),
    /// `i IN (n, CAST(v AS INT))`, which fails on `x` where i is not n.
    Among(i64),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// CASE WHEN a THEN b ELSE c END
    Case(Box<Self>, Box<Self>, Box<Self>),
}

/// Rows, how many go into a batch, and what is asked of them.
#[derive(Debug, Clone)]
pub(super) struct Question {
    rows: Vec<(&'static str, i64)>,
    batch_size: usize,
    condition: Condition,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} rows a batch: {}", self.rows, self.batch_size, self.condition)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsNumber => write!(f, "v <> 'x'"),
            Self::Below(n) => write!(f, "i < {n}"),
            Self::Above(n) => write!(f, "CAST(v AS INT) > {n}"),
            Self::Quotient(n) => write!(f, "10 DIV (i - {n}) > 0"),
            Self::Among(n) => write!(f, "i IN ({n}, CAST(v AS INT))"),
            Self::And(a, b) => write!(f, "({a} AND {b})"),
            Self::Or(a, b) => write!(f, "({a} OR {b})"),
            Self::Not(a) => write!(f, "(NOT {a})"),
            Self::Case(a, b, c) => write!(f, "CASE WHEN {a} THEN {b} ELSE {c} END"),
        }
    }
}

pub(super) fn questions() -> impl Strategy<Value = Question> {
    let leaf = prop_oneof![
        3 => Just(Condition::IsNumber),
        1 => (0..6_i64).prop_map(Condition::Below),
        3 => (0..6_i64).prop_map(Condition::Above),
        1 => (0..6_i64).prop_map(Condition::Quotient),
        1 => (0..6_i64).prop_map(Condition::Among),
    ];
    let condition = leaf.prop_recursive(3, 12, 3, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        prop_oneof![
            3 => (one(), one()).prop_map(|(a, b)| Condition::And(a, b)),
            2 => (one(), one()).prop_map(|(a, b)| Condition::Or(a, b)),
            1 => one().prop_map(Condition::Not),
            1 => (one(), one(), one()).prop_map(|(a, b, c)| Condition::Case(a, b, c)),
        ]
    });
    let row = |bad: u32| {
        let text = prop_oneof![10 => select(&["0", "1", "2", "3", "4", "5"][..]), bad => Just("x")];
        (text, 0..6_i64)
    };
    let rows = select(&[1_u32, 10, 90][..]).prop_flat_map(move |bad| vec(row(bad), 1..40));
    let cut = any::<bool>().prop_flat_map(|small| if small { 1..9_usize } else { 8192..8193 });
    (rows, cut, condition).prop_map(|(rows, batch_size, condition)| Question {
        rows,
        batch_size,
        condition,
    })
}

/// Fails when the engine gives other rows, or gives rows where there is an error.
pub(super) async fn check(question: &Question) -> Fallible<()> {
    let session = StreamSession::new()?;
    let state = session.context().state_ref();
    let config = state.read().config().clone().with_batch_size(question.batch_size);
    *state.write().config_mut() = config;
    let rows: Vec<String> = question.rows.iter().map(|(v, i)| format!("('{v}', {i})")).collect();
    let text =
        format!("CREATE TEMPORARY VIEW t AS SELECT * FROM VALUES {} AS t(v, i)", rows.join(", "));
    session.sql(&text).await?;
    let condition = &question.condition;
    for (place, text) in [
        ("WHERE", format!("SELECT count(*) AS n FROM t WHERE {condition}")),
        ("SELECT", format!("SELECT count_if(c) AS n FROM (SELECT {condition} AS c FROM t)")),
        ("a lambda", format!("SELECT sum(size(filter(array(i), i -> {condition}))) AS n FROM t")),
        (
            "FILTER",
            format!(
                "SELECT sum(n) AS n FROM \
                 (SELECT count(CAST(v AS INT)) FILTER (WHERE {condition}) AS n FROM t GROUP BY i)"
            ),
        ),
    ] {
        let expected = match place {
            "FILTER" => expected_casts(question),
            _ => expected(question, place == "WHERE"),
        };
        let found = match session.sql(&text).await?.collect().await {
            Ok(batches) => Some(crate::render::all_rows(&batches)?[0][0].to_string()),
            Err(_) => None,
        };
        let expected = expected.map(|n| n.to_string());
        let absorbed = absorbed(question, place == "FILTER").map(|n| n.to_string());
        ensure(found == expected || (found.is_some() && found == absorbed), || {
            format!("in {place}: expected {expected:?}, found {found:?} (None is an error)\n{text}")
        })?;
    }
    Ok(())
}

/// How many rows there are for which the condition is true; `None` where it fails for one.
fn expected(question: &Question, is_filter: bool) -> Option<usize> {
    // A filter evaluates the parts that cannot fail first.
    let mut parts = vec![];
    flatten(&question.condition, is_filter, &mut parts);
    parts.sort_by_key(|part| can_fail(part));
    let mut count = 0;
    for (v, i) in &question.rows {
        let mut holds = true;
        for part in &parts {
            holds = holds && evaluate(part, v, *i)?;
        }
        count += usize::from(holds);
    }
    Some(count)
}

/// How many rows there are for which the condition is true, and whose text then is a number; `None`
/// where one fails.
fn expected_casts(question: &Question) -> Option<usize> {
    let mut count = 0;
    for (v, i) in &question.rows {
        if evaluate(&question.condition, v, *i)? {
            v.parse::<i64>().ok()?;
            count += 1;
        }
    }
    Some(count)
}

/// As in Spark, `a OR (b AND a)` may become `a`, and then b fails for no row: the rows, where a part
/// stands twice and what fails settles nothing.
fn absorbed(question: &Question, casts: bool) -> Option<usize> {
    let mut leaves = vec![];
    collect_leaves(&question.condition, &mut leaves);
    let distinct: std::collections::BTreeSet<&String> = leaves.iter().collect();
    if distinct.len() == leaves.len() {
        return None;
    }
    let mut count = 0;
    for (v, i) in &question.rows {
        if settled(&question.condition, v, *i)? {
            if casts {
                v.parse::<i64>().ok()?;
            }
            count += 1;
        }
    }
    Some(count)
}

fn collect_leaves(condition: &Condition, leaves: &mut Vec<String>) {
    match condition {
        Condition::And(a, b) | Condition::Or(a, b) => {
            collect_leaves(a, leaves);
            collect_leaves(b, leaves);
        }
        Condition::Not(a) => collect_leaves(a, leaves),
        Condition::Case(a, b, c) => {
            for part in [a, b, c] {
                collect_leaves(part, leaves);
            }
        }
        leaf => leaves.push(leaf.to_string()),
    }
}

/// What the condition is, whatever the parts that fail would be; `None` where that depends on them.
fn settled(condition: &Condition, v: &str, i: i64) -> Option<bool> {
    match condition {
        Condition::And(a, b) => match (settled(a, v, i), settled(b, v, i)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (a, b) => Some(a? && b?),
        },
        Condition::Or(a, b) => match (settled(a, v, i), settled(b, v, i)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (a, b) => Some(a? || b?),
        },
        Condition::Not(a) => settled(a, v, i).map(|a| !a),
        Condition::Case(a, b, c) => match settled(a, v, i)? {
            true => settled(b, v, i),
            false => settled(c, v, i),
        },
        leaf => evaluate(leaf, v, i),
    }
}

fn flatten<'a>(condition: &'a Condition, splits: bool, parts: &mut Vec<&'a Condition>) {
    match condition {
        Condition::And(a, b) if splits => {
            flatten(a, splits, parts);
            flatten(b, splits, parts);
        }
        part => parts.push(part),
    }
}

fn can_fail(condition: &Condition) -> bool {
    match condition {
        Condition::IsNumber | Condition::Below(_) => false,
        Condition::Above(_) | Condition::Quotient(_) | Condition::Among(_) => true,
        Condition::And(a, b) | Condition::Or(a, b) => can_fail(a) || can_fail(b),
        Condition::Not(a) => can_fail(a),
        Condition::Case(a, b, c) => can_fail(a) || can_fail(b) || can_fail(c),
    }
}

/// `None` for an error.
fn evaluate(condition: &Condition, v: &str, i: i64) -> Option<bool> {
    match condition {
        Condition::IsNumber => Some(v != "x"),
        Condition::Below(n) => Some(i < *n),
        Condition::Above(n) => v.parse::<i64>().ok().map(|v| v > *n),
        Condition::Among(n) if i == *n => Some(true),
        Condition::Among(_) => v.parse::<i64>().ok().map(|v| v == i),
        Condition::Quotient(n) => 10_i64.checked_div(i - n).map(|q| q > 0),
        Condition::And(a, b) => Some(evaluate(a, v, i)? && evaluate(b, v, i)?),
        Condition::Or(a, b) => Some(evaluate(a, v, i)? || evaluate(b, v, i)?),
        Condition::Not(a) => evaluate(a, v, i).map(|a| !a),
        Condition::Case(a, b, c) => {
            if evaluate(a, v, i)? {
                evaluate(b, v, i)
            } else {
                evaluate(c, v, i)
            }
        }
    }
}
