//! What DataFusion and Arrow say, in the words of those who write SQL.
//!
//! Their messages speak of plans, rules and Arrow's types. Known ones are told anew; of all others
//! the message stays, without the layers that it came through.

use arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use crate::error::internal_names;
use crate::error::spelled::spelled;

/// Prefixes that say through which layer a message came.
const LAYERS: &[&str] = &[
    "Error during planning: ",
    "Arrow error: ",
    "Execution error: ",
    "External error: ",
    "External: ",
    "Object Store error: ",
    "Optimizer error: ",
    "Parquet error: ",
    "Schema error: ",
    "This feature is not implemented: ",
    "type_coercion\ncaused by\n",
];

/// Arrow's names of types and SQL's, the longer ones first.
const TYPES: &[(&str, &str)] = &[
    ("Timestamp(µs, \"UTC\")", "timestamp"),
    ("Timestamp(µs)", "timestamp_ntz"),
    ("Decimal128(", "decimal("),
    ("LargeUtf8", "string"),
    ("Utf8View", "string"),
    ("Boolean", "boolean"),
    ("Float64", "double"),
    ("Float32", "float"),
    ("Date32", "date"),
    ("Binary", "binary"),
    ("Int64", "bigint"),
    ("Int32", "int"),
    ("Int16", "smallint"),
    ("Int8", "tinyint"),
    ("Utf8", "string"),
    ("Null", "void"),
];

/// The message of an error for people, without names and plans that only the engine knows.
pub(super) fn message(error: &DataFusionError) -> String {
    internal_names::told(&raw(error))
}

fn raw(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => raw(inner),
        DataFusionError::Shared(inner) => raw(inner),
        DataFusionError::Collection(errors) if !errors.is_empty() => raw(&errors[0]),
        DataFusionError::External(inner) => {
            inner.downcast_ref::<DataFusionError>().map_or_else(|| inner.to_string(), raw)
        }
        DataFusionError::SchemaError(error, _) => schema(error),
        DataFusionError::ArrowError(error, _) => arrow(error),
        DataFusionError::Plan(text) | DataFusionError::Execution(text) => told(text),
        DataFusionError::NotImplemented(text) => not_implemented(plain(text)),
        DataFusionError::Internal(text) => {
            format!(
                "internal error: {}; this is a bug in millstream, please report it",
                plain(text)
            )
        }
        other => plain(&other.strip_backtrace()).to_owned(),
    }
}

/// A text without its backtrace and without the layers that it came through.
fn plain(text: &str) -> &str {
    let mut text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or(text).trim();
    while let Some(inner) = LAYERS.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = inner;
    }
    text
}

fn told(text: &str) -> String {
    let text = plain(text);
    wrong_arguments(text)
        .or_else(|| not_grouped(text))
        .or_else(|| same_name(text))
        .unwrap_or_else(|| text.to_owned())
}

/// The part of a text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// `Function 'f' user-defined coercion failed with: .. No function matches ..`
fn wrong_arguments(text: &str) -> Option<String> {
    let (text, is_told) = match text.split_once("user-defined coercion failed with: ") {
        Some((_, why)) => (why, !why.contains("does not implement coerce_types")),
        None => (text, false),
    };
    if is_told {
        return Some(plain(text.split(". No function matches").next()?).to_owned());
    }
    let call = between(text, "No function matches the given name and argument types '", "'.")?;
    let (name, types) = call.split_once('(')?;
    Some(format!("`{name}` does not take ({}", sql_types(types)))
}

/// Arrow's names of types as SQL's.
fn sql_types(text: &str) -> String {
    TYPES.iter().fold(text.to_owned(), |text, (arrow, sql)| text.replace(arrow, sql))
}

fn not_grouped(text: &str) -> Option<String> {
    let column = between(text, "column \"", "\" must appear in the GROUP BY clause")?;
    Some(format!(
        "`{column}` is neither in GROUP BY nor inside of an aggregate; group by it, or take its `first`"
    ))
}

fn same_name(text: &str) -> Option<String> {
    let (first, _) =
        text.strip_suffix("Consider aliasing (\"AS\") one of them.")?.split_once("\" at")?;
    let expr = first.split_once('"')?.1;
    let name = expr.rsplit_once(" AS ").map_or(expr, |(_, name)| name);
    Some(format!("two columns are called `{name}`; give one of them an alias"))
}

fn not_implemented(text: &str) -> String {
    if text.starts_with("Physical plan does not support logical expression") {
        if text.contains("OuterReferenceColumn") {
            return "a subquery can look at the row around it with `=` in its WHERE, and in no other \
                    way; join the tables instead"
                .to_owned();
        }
        if text.contains("ubquery") || text.contains("Exists") {
            return "a subquery may stand in WHERE and HAVING, and one that gives a value where its \
                    rows are found by `=`, but not here; join the tables instead"
                .to_owned();
        }
    }
    wrong_arguments(text).unwrap_or_else(|| format!("not supported: {text}"))
}

fn schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let name = field.flat_name();
            match nearest(&field.name, valid_fields) {
                Some(near) => format!("there is no column `{name}`; did you mean `{near}`?"),
                None if valid_fields.is_empty() => format!("there is no column `{name}`"),
                None if valid_fields.len() == 1 => {
                    format!("there is no column `{name}`; there is {}", listed(valid_fields))
                }
                None => format!("there is no column `{name}`; there are {}", listed(valid_fields)),
            }
        }
        SchemaError::AmbiguousReference { field } => format!(
            "the column `{}` could be one of several; write the table before it",
            field.flat_name()
        ),
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => {
            format!("two columns are called `{name}`; give one of them an alias")
        }
    }
}

fn nearest<'a>(name: &str, columns: &'a [Column]) -> Option<&'a str> {
    const SIMILAR: f64 = 0.8;
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let known = columns.iter().map(|column| (likeness(&column.name), column.name.as_str()));
    let best = known.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness > SIMILAR).map(|(_, name)| name)
}

fn listed(columns: &[Column]) -> String {
    const MOST: usize = 12;
    let known = columns.iter().filter(|column| !column.name.starts_with("__"));
    let mut names: Vec<String> =
        known.take(MOST).map(|column| format!("`{}`", spelled(&column.name))).collect();
    if columns.len() > MOST {
        names.push("others".to_owned());
    }
    names.join(", ")
}

fn arrow(error: &ArrowError) -> String {
    match error {
        ArrowError::ExternalError(inner) => {
            inner.downcast_ref::<DataFusionError>().map_or_else(|| inner.to_string(), raw)
        }
        ArrowError::CastError(text) => cast(text).unwrap_or_else(|| text.clone()),
        other => other.to_string(),
    }
}

/// `Cannot cast string 'a' to value of Int64 type`
fn cast(text: &str) -> Option<String> {
    let value = between(text, "Cannot cast string '", "' to value of ")?;
    let data_type = between(text, "' to value of ", " type")?;
    // An empty text would not be seen between backticks.
    let value = if value.is_empty() { "''".to_owned() } else { format!("`{value}`") };
    Some(format!(
        "{value} cannot be cast to {}; use try_cast to get NULL instead, or set spark.sql.ansi.enabled to false",
        sql_types(data_type).to_uppercase()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::common::plan_datafusion_err;

    #[test]
    fn layers_are_taken_off() {
        let inner = DataFusionError::ArrowError(
            Box::new(ArrowError::CastError(
                "Cannot cast string 'a' to value of Int64 type".to_owned(),
            )),
            None,
        );
        let error =
            DataFusionError::Context("Optimizer rule 'x' failed".to_owned(), Box::new(inner));
        let text = message(&error);
        assert!(text.starts_with("`a` cannot be cast to BIGINT; use try_cast"), "{text}");
    }

    #[test]
    fn a_call_with_wrong_types_names_them_as_sql_does() {
        let error = plan_datafusion_err!(
            "Execution error: Function 'avg' user-defined coercion failed with: This feature is not \
             implemented: Function avg does not implement coerce_types. No function matches the given \
             name and argument types 'avg(Timestamp(µs, \"UTC\"), Utf8)'. You might need to add \
             explicit type casts."
        );
        assert_eq!(message(&error), "`avg` does not take (timestamp, string)");
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_the_nearest_one() {
        let columns = ["user", "ts"].map(|name| Column::new(Some("ev"), name));
        let missing = |name: &str| {
            let field = Box::new(Column::new_unqualified(name));
            schema(&SchemaError::FieldNotFound { field, valid_fields: columns.to_vec() })
        };
        assert_eq!(missing("uesr"), "there is no column `uesr`; did you mean `user`?");
        assert_eq!(missing("nope"), "there is no column `nope`; there are `user`, `ts`");
    }
}
