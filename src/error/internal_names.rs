//! Names and forms that only the engine knows, out of what people read: messages and EXPLAIN.
//!
//! ```text
//!   __millstream_twin_1_k             k
//!   __datafusion_extracted_2          extracted_2
//!   __grouping_id                     grouping_id()
//!   guarded(v > 1, t.v)               v > 1
//!   ordered_case(c, x, NULL)          CASE WHEN c THEN x ELSE NULL END
//!   Object at location p not found    the file `p` is not there
//! ```

use std::fmt::Write;

/// What begins the name of a column that another one of its name stands before.
pub const TWIN: &str = "__millstream_twin_";

/// Names of columns, and what they are called instead.
const NAMES: &[(&str, &str)] = &[
    ("__datafusion_extracted_", "extracted_"),
    ("__grouping_id", "grouping_id()"),
    ("__window_of_input", "window"),
    ("__batch_time", "current_timestamp()"),
    ("__millstream_generated_", "generated_"),
    ("__millstream_view_", "view_"),
    ("__millstream_one", "one_row"),
];

/// Functions around what a user wrote: the first argument is that.
const AROUND: &[&str] = &["guarded", "one_form"];

/// Nodes of plans, by which their text is known.
const NODES: &[&str] = &[
    "Aggregate: ",
    "CrossJoin:",
    "Cross Join:",
    "Distinct:",
    "EmptyRelation",
    "Extension:",
    "Filter: ",
    "Full Join: ",
    "Inner Join: ",
    "Left Join: ",
    "LeftAnti Join: ",
    "LeftMark Join: ",
    "LeftSemi Join: ",
    "Limit: ",
    "Projection: ",
    "Repartition: ",
    "Right Join: ",
    "RightAnti Join: ",
    "RightSemi Join: ",
    "Sort: ",
    "Subquery:",
    "SubqueryAlias: ",
    "TableScan: ",
    "Union\n",
    "Unnest: ",
    "Values: ",
    "Window: ",
    "WindowAggr: ",
];

/// A message without plans, and without names that are not the user's.
pub(super) fn told(message: &str) -> String {
    if let Some((_, rest)) = message.split_once("Object at location ")
        && let Some((path, _)) = rest.split_once(" not found")
    {
        return format!("the file `{path}` is not there; was it removed while the query ran?");
    }
    let plan = NODES.iter().filter_map(|node| message.find(node)).min();
    let message = match plan {
        // What the plan is about stands before it.
        Some(at) if at > 0 => message[..at].trim_end_matches([' ', '\n', ':', '(', '[', '"', '`']),
        _ => message,
    };
    shown(message)
}

/// A text about a plan as people read it.
pub fn shown(text: &str) -> String {
    let mut text = without_twins(text);
    for (name, instead) in NAMES {
        text = text.replace(name, instead);
    }
    for function in AROUND {
        text = rewritten(&text, function, |arguments| {
            arguments.first().map_or_else(String::new, |first| (*first).to_owned())
        });
    }
    rewritten(&text, "ordered_case", case)
}

fn without_twins(text: &str) -> String {
    let mut parts = text.split(TWIN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.trim_start_matches(|c: char| c.is_ascii_digit());
        out.push_str(name.strip_prefix('_').unwrap_or(name));
    }
    out
}

fn case(arguments: &[&str]) -> String {
    let mut text = "CASE".to_owned();
    for branch in arguments.chunks(2) {
        // Writing to a string cannot fail.
        let _written = match branch {
            [condition, value] => write!(text, " WHEN {condition} THEN {value}"),
            [otherwise] => write!(text, " ELSE {otherwise}"),
            _ => Ok(()),
        };
    }
    text + " END"
}

/// A text in which calls of `function` are written otherwise.
fn rewritten(text: &str, function: &str, write: impl Fn(&[&str]) -> String) -> String {
    let mut text = text.to_owned();
    let mut from = 0;
    while let Some(at) = text[from..].find(function).map(|at| at + from) {
        let open = at + function.len();
        let is_own = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let found = if is_own { arguments(&text[open..]) } else { None };
        let Some((all, length)) = found else {
            from = open;
            continue;
        };
        let instead = write(&all);
        // What is inside may hold such a call again.
        text = format!("{}{instead}{}", &text[..at], &text[open + length..]);
        from = at;
    }
    text
}

/// The arguments of the call whose parentheses `text` begins with, and how long these are.
fn arguments(text: &str) -> Option<(Vec<&str>, usize)> {
    if !text.starts_with('(') {
        return None;
    }
    let (mut depth, mut start, mut quote, mut all) = (0_usize, 1, None, Vec::new());
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => (),
            ('"' | '\'' | '`', None) => quote = Some(c),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    all.push(text[start..at].trim());
                    return Some((all, at + 1));
                }
            }
            (',', None) if depth == 1 => {
                all.push(text[start..at].trim());
                start = at + 1;
            }
            _ => (),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_engines_is_not_told() {
        for (text, expected) in [
            ("t.__millstream_twin_1_k = 2", "t.k = 2"),
            ("no field __datafusion_extracted_12", "no field extracted_12"),
            (
                "guarded(CAST(t.v AS Int64) > Int64(1), t.v) AND b",
                "CAST(t.v AS Int64) > Int64(1) AND b",
            ),
            ("guarded(guarded(a, b), c)", "a"),
            (
                "ordered_case(a = Utf8(\",\"), one_form(x), NULL)",
                "CASE WHEN a = Utf8(\",\") THEN x ELSE NULL END",
            ),
            ("unguarded(x)", "unguarded(x)"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_message_ends_where_a_plan_begins() {
        assert_eq!(told("cannot do this: Projection: a\n  TableScan: t"), "cannot do this");
        assert!(
            told("Generic: Object at location /a/b.json not found: No such file")
                .starts_with("the file `/a/b.json` is not there")
        );
    }
}
