//! Statements that are long or deep: they run, or are refused in words; the process never ends by
//! them.

use crate::cli::run;
use crate::outcome::{Fallible, Outcome, ensure};
use crate::workspace::Workspace;

/// What becomes of a statement.
enum Expected {
    /// It has one row.
    Row(&'static str),
    /// It is refused, with these words.
    Refused(&'static str),
}

const TOO_DEEP: Expected = Expected::Refused("the statement is nested too deeply here");

pub(super) fn statements() -> Fallible<Outcome> {
    use Expected::Row;
    let repeated =
        |part: &str, times: usize, rest: &str| format!("SELECT {}{rest} AS x", part.repeat(times));
    let nested = |open: &str, times: usize, inner: &str, close: &str| {
        format!("SELECT {}{inner}{} AS x", open.repeat(times), close.repeat(times))
    };
    let unions = vec!["SELECT 1 AS a"; 300].join(" UNION ALL ");
    let cases = [
        ("a sum of 50,000 terms", repeated("1 + ", 50_000, "1"), TOO_DEEP),
        ("a sum of 50 terms", repeated("1 + ", 49, "1"), Row("50")),
        ("1,000 conditions", repeated("1 = 2 OR ", 1_000, "true"), Row("true")),
        ("300 unions", format!("SELECT count(*) FROM ({unions})"), Row("300")),
        ("20,000 NOT", repeated("NOT ", 20_000, "true"), TOO_DEEP),
        ("100 NOT", repeated("NOT ", 100, "true"), Row("true")),
        ("20,000 signs", repeated("- ", 20_000, "1"), TOO_DEEP),
        (
            "a type of 5,000 levels",
            nested("cast(NULL AS ARRAY<", 1, &nested_type(5_000), ">)"),
            TOO_DEEP,
        ),
        ("20,000 parentheses", nested("(", 20_000, "1", ")"), TOO_DEEP),
        ("150 parentheses", nested("(", 150, "1", ")"), Row("1")),
        ("3,000 CASE", nested("CASE WHEN true THEN ", 3_000, "1", " END"), TOO_DEEP),
        ("50 functions", nested("abs(", 50, "-1", ")"), Row("1")),
        ("5,000 subqueries", nested("(SELECT ", 5_000, "1", ")"), TOO_DEEP),
        (
            "a schema of 5,000 levels",
            format!("SELECT from_json('{{}}', 'a {}') AS x", nested_type(5_000)),
            TOO_DEEP,
        ),
    ];
    for (name, sql, expected) in cases {
        let workspace = Workspace::new()?;
        let ended = run(&workspace, &["sql", "-f", "-", "--format", "csv"], &format!("{sql};"))?;
        let fits = match expected {
            Row(row) => ended.code == Some(0) && ended.stdout.lines().last() == Some(row),
            Expected::Refused(words) => ended.code == Some(1) && ended.stderr.contains(words),
        };
        let short = |text: &str| text.chars().take(300).collect::<String>();
        ensure(fits, || {
            format!("{name}: {:?}, {}, {}", ended.code, short(&ended.stdout), short(&ended.stderr))
        })?;
    }
    Ok(Outcome::Passed)
}

fn nested_type(levels: usize) -> String {
    format!("{}INT{}", "ARRAY<".repeat(levels), ">".repeat(levels))
}
