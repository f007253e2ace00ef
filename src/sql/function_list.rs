//! Which functions a user can call, for lists of them.

use std::collections::BTreeSet;

use datafusion::execution::SessionState;

/// What is written as a function and is none to DataFusion: other names, casts, generators, and
/// what the front end replaces by something else.
const WRITTEN: &[&str] = &[
    "any",
    "bigint",
    "binary",
    "boolean",
    "cast",
    "count_if",
    "date",
    "decimal",
    "double",
    "every",
    "explode",
    "explode_outer",
    "extract",
    "first",
    "float",
    "grouping_id",
    "inline",
    "inline_outer",
    "int",
    "json_tuple",
    "last",
    "percentile_disc",
    "posexplode",
    "posexplode_outer",
    "smallint",
    "some",
    "stack",
    "std",
    "string",
    "timestamp",
    "tinyint",
    "try_cast",
    "variance",
    "window",
];

/// Operators, casts and special forms that are functions to DataFusion alone.
const INTERNAL: &[&str] = &[
    "add",
    "array_sort_by",
    "bitwise_not",
    "cast_to_type",
    "date_minus_date",
    "date_plus_days",
    "date_plus_interval",
    "date_plus_months",
    "divide",
    "duration_divided",
    "duration_negated",
    "duration_plus",
    "duration_times",
    "duration_times_double",
    "get_field",
    "interval_in_units",
    "interval_negated",
    "interval_of_days",
    "interval_of_micros",
    "interval_of_months",
    "interval_of_units",
    "mode_desc",
    "months_divided",
    "months_negated",
    "months_plus_months",
    "months_times",
    "months_times_double",
    "multiply",
    "percentile_desc",
    "percentile_disc_desc",
    "percentile_disc_of",
    "subtract",
    "sum_wrapping",
    "time_minus_time",
    "time_plus_duration",
    "time_plus_interval",
    "time_plus_months",
    "true_or_null",
    "try_cast_to_type",
    "try_interval_of_units",
    "with_metadata",
];

/// The names of all functions, those that the user has registered among them.
pub fn functions(state: &SessionState) -> BTreeSet<String> {
    let known = state.scalar_functions().keys();
    let known = known.chain(state.aggregate_functions().keys());
    let known = known.chain(state.window_functions().keys());
    let known = known.chain(state.table_functions().keys());
    let known = known.chain(state.higher_order_functions().keys());
    // Operators whose names nobody can write.
    let can_be_written = |name: &&String| {
        name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with('_')
    };
    let mut names: BTreeSet<String> = known.filter(can_be_written).cloned().collect();
    names.retain(|name| INTERNAL.binary_search(&name.as_str()).is_err());
    names.extend(WRITTEN.iter().map(|&name| name.to_owned()));
    names
}

#[cfg(test)]
mod tests {
    use datafusion::execution::session_state::SessionStateBuilder;

    use super::*;
    use crate::sql::planner::{configure, plan};
    use crate::sql::statement::parse_query;
    use crate::sql::tests::NoFiles;

    fn state() -> SessionState {
        configure(SessionStateBuilder::new().with_default_features()).build()
    }

    #[test]
    fn the_lists_are_sorted_and_what_is_internal_is_there() {
        assert!(WRITTEN.is_sorted() && INTERNAL.is_sorted());
        let state = state();
        let is_known = |name: &str| {
            state.scalar_functions().contains_key(name)
                || state.aggregate_functions().contains_key(name)
                || state.higher_order_functions().contains_key(name)
        };
        let gone: Vec<_> = INTERNAL.iter().filter(|name| !is_known(name)).collect();
        assert!(gone.is_empty(), "take these off the list: {gone:?}");
        let names = functions(&state);
        for name in
            ["transform", "reduce", "zip_with", "date_add", "explode", "first", "row_number"]
        {
            assert!(names.contains(name), "{name}");
        }
        assert!(!names.contains("percentile_disc_of"));
    }

    #[tokio::test]
    async fn what_is_written_can_be_called() {
        let (from, items) = ("FROM VALUES (1, array(1, 2)) AS t(k, items)", "array(struct(1))");
        let mut calls: Vec<String> = Vec::new();
        for name in WRITTEN {
            calls.push(match *name {
                "cast" | "try_cast" => format!("SELECT {name}(k AS STRING) {from}"),
                "extract" => "SELECT extract(DAY FROM DATE '2024-01-01')".to_owned(),
                "any" | "every" | "some" | "count_if" => format!("SELECT {name}(k > 1) {from}"),
                "first" | "last" | "std" | "variance" => format!("SELECT {name}(k) {from}"),
                "date" | "timestamp" => format!("SELECT {name}('2024-01-01')"),
                "binary" => "SELECT binary('a')".to_owned(),
                "grouping_id" => format!("SELECT grouping_id() {from} GROUP BY CUBE (k)"),
                "inline" | "inline_outer" => format!("SELECT {name}({items})"),
                "json_tuple" => "SELECT json_tuple('{}', 'a')".to_owned(),
                "percentile_disc" => {
                    format!("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY k) {from}")
                }
                "stack" => "SELECT stack(1, 2)".to_owned(),
                "window" => {
                    "SELECT window(t, '1 day') AS w FROM VALUES (TIMESTAMP '2024-01-01') AS t(t)"
                        .to_owned()
                }
                name if name.contains("explode") => format!("SELECT {name}(items) {from}"),
                name => format!("SELECT {name}(k) {from}"),
            });
        }
        let state = state();
        let mut wrong = vec![];
        for call in calls {
            let query = parse_query(&call).unwrap();
            if let Err(error) = plan(&state, &NoFiles, &query).await {
                wrong.push(format!("{call}: {error}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
