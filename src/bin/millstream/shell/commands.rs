//! What begins with a dot: questions to the shell rather than to the engine.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use millstream::connector::options::nearest;
use millstream::formats::display::Zone;
use millstream::formats::show::{ShowOptions, show};
use millstream::sql::types::spark_type_name;
use millstream::{Error, Result, StreamSession, StreamingQuery};

use super::super::progress::rate;

/// A command and what the help says of it.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) name: &'static str,
    argument: &'static str,
    help: &'static str,
}

/// All commands.
pub(super) const COMMANDS: &[Command] = &[
    Command { name: "help", argument: "", help: "this list" },
    Command { name: "queries", argument: "", help: "the streaming queries and how they are" },
    Command {
        name: "pager",
        argument: "[on|off]",
        help: "show long results in $PAGER, or in less",
    },
    Command { name: "quit", argument: "", help: "stop the queries and leave, as Ctrl-D does" },
    Command { name: "schema", argument: "TABLE", help: "the columns of a table or view" },
    Command { name: "tables", argument: "", help: "the tables and views" },
    Command { name: "timing", argument: "[on|off]", help: "say how long each statement takes" },
    Command {
        name: "wait",
        argument: "[QUERY]",
        help: "until a query, or each, has processed all that is there",
    },
    Command {
        name: "wide",
        argument: "[on|off]",
        help: "show tables whole, however wide they are",
    },
];

/// What a command asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Help,
    Queries,
    Quit,
    Schema(String),
    Tables,
    Timing(Option<bool>),
    Pager(Option<bool>),
    Wide(Option<bool>),
    Wait(Option<String>),
}

/// Reads a command, without its dot.
///
/// # Errors
/// `Invalid` for one that there is not, or for wrong arguments.
pub(super) fn read(text: &str) -> Result<Request> {
    // A semicolon, which statements need, is no part of a command.
    let mut words = text.trim_end_matches([';', ' ', '\t']).split_whitespace();
    let given = words.next().unwrap_or_default();
    let argument = words.next().map(|word| word.trim_matches('`'));
    let name = if given.eq_ignore_ascii_case("exit") { "quit" } else { given };
    let Some(command) = COMMANDS.iter().find(|known| known.name.eq_ignore_ascii_case(name)) else {
        let near = nearest(given, COMMANDS.iter().map(|command| command.name));
        let hint = near
            .map_or_else(|| "`.help` lists them".to_owned(), |n| format!("did you mean `.{n}`?"));
        return Err(Error::invalid(format!("there is no command `.{given}`; {hint}")));
    };
    let wrong = || {
        let usage = [".", command.name, " ", command.argument].concat();
        Err(Error::invalid(format!("write `{}`", usage.trim_end())))
    };
    let request = match (command.name, argument) {
        ("help", None) => Request::Help,
        ("queries", None) => Request::Queries,
        ("quit", None) => Request::Quit,
        ("tables", None) => Request::Tables,
        ("schema", Some(table)) => Request::Schema(table.to_owned()),
        ("timing" | "pager" | "wide", switch) => {
            let on = match switch.map(str::to_ascii_lowercase).as_deref() {
                None => None,
                Some("on") => Some(true),
                Some("off") => Some(false),
                Some(_) => return wrong(),
            };
            match command.name {
                "timing" => Request::Timing(on),
                "pager" => Request::Pager(on),
                _ => Request::Wide(on),
            }
        }
        ("wait", query) => Request::Wait(query.map(str::to_owned)),
        _ => return wrong(),
    };
    if words.next().is_some() { wrong() } else { Ok(request) }
}

/// What can be looked at with statements.
const STATEMENTS: &str = "
Some statements to look around:

  SHOW TABLES, SHOW VIEWS, SHOW COLUMNS IN t, SHOW FUNCTIONS LIKE 'date*', SHOW DATABASES
  SHOW STREAMING QUERIES, STOP STREAMING QUERY q
  DESCRIBE t, DESCRIBE SELECT .., EXPLAIN SELECT .., SET key, SET key = value
";

/// The list of commands, and where the history is.
pub(super) fn help(history: Option<&Path>) -> String {
    let mut text = String::from(
        "Statements end with a semicolon and may go over several lines. Ctrl-C takes back what was\n\
         typed, or cancels the statement that runs; Ctrl-D leaves and stops the queries.\n\
         Tab completes words, the arrows and Ctrl-R go through the history.\n\n",
    );
    for command in COMMANDS {
        let usage = format!(".{} {}", command.name, command.argument);
        text.push_str(&format!("  {usage:<18} {}\n", command.help));
    }
    text.push_str(STATEMENTS);
    if let Some(history) = history {
        text.push_str(&format!("\nThe history is kept in {}\n", history.display()));
    }
    text
}

/// The queries of the session, those that have ended too.
///
/// # Errors
/// None that a user could cause.
pub(super) fn queries(session: &StreamSession) -> Result<String> {
    let all = session.streams().all();
    let columns = ["query", "state", "batch", "rows/s", "watermark", "state rows", "doing"];
    table(&columns, &all.iter().map(describe).collect::<Vec<_>>())
}

fn describe(query: &StreamingQuery) -> Vec<Option<String>> {
    let last = query.last_progress();
    let last = last.as_ref();
    let state = match (query.is_active(), query.exception()) {
        (true, _) => "running",
        (false, Some(_)) => "failed",
        (false, None) => "ended",
    };
    let rows = |last: &millstream::StreamingQueryProgress| {
        let rows = last.state_operators.iter().map(|operator| operator.num_rows_total);
        (!last.state_operators.is_empty()).then(|| rows.sum::<u64>().to_string())
    };
    let doing = query.exception().map_or_else(|| query.status().message, |e| e.to_string());
    vec![
        Some(query.name().unwrap_or_else(|| query.id()).to_owned()),
        Some(state.to_owned()),
        last.and_then(|last| last.last_epoch()).map(|epoch| epoch.to_string()),
        last.map(|last| format!("{:.0}", rate(last, || query.recent_progress()))),
        last.and_then(|last| last.event_time.get("watermark").cloned()),
        last.and_then(rows),
        Some(doing),
    ]
}

/// The tables and views of the session, with how many columns they have.
///
/// # Errors
/// None that a user could cause.
pub(super) async fn tables(session: &StreamSession) -> Result<String> {
    let mut rows = Vec::new();
    for name in table_names(session) {
        let read = session.table(&name).await;
        let columns = match &read {
            Ok(table) => table.schema().fields().len().to_string(),
            Err(error) => error.to_string(),
        };
        let kind = match session.streams().get(&name) {
            Some(_) => "streaming table",
            None if read.is_ok_and(|table| table.is_streaming()) => "view of a stream",
            None => "table or view",
        };
        rows.push(vec![Some(name), Some(kind.to_owned()), Some(columns)]);
    }
    table(&["table", "kind", "columns"], &rows)
}

/// The columns of a table.
///
/// # Errors
/// `NotFound`.
pub(super) async fn schema(session: &StreamSession, name: &str) -> Result<String> {
    let schema = session.table(name).await?.schema();
    let row = |field: &Arc<Field>| {
        let null = if field.is_nullable() { None } else { Some("NOT NULL".to_owned()) };
        vec![Some(field.name().clone()), Some(spark_type_name(field.data_type())), null]
    };
    table(&["column", "type", ""], &schema.fields().iter().map(row).collect::<Vec<_>>())
}

/// The names of the tables and views, in order.
pub(super) fn table_names(session: &StreamSession) -> Vec<String> {
    let state = session.context().state();
    let defaults = &state.config_options().catalog;
    let catalog = state.catalog_list().catalog(&defaults.default_catalog);
    let schema = catalog.and_then(|catalog| catalog.schema(&defaults.default_schema));
    let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
    names.sort();
    names
}

fn table(columns: &[&str], rows: &[Vec<Option<String>>]) -> Result<String> {
    let fields: Vec<_> =
        columns.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let column = |at: usize| {
        rows.iter().map(|row| row[at].clone().or(Some(String::new()))).collect::<StringArray>()
    };
    let arrays = (0..columns.len()).map(|at| Arc::new(column(at)) as _).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let options = ShowOptions { rows: usize::MAX, truncate: None, zone: Zone::parse("UTC")? };
    show(&schema, &[batch], &options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_in_any_case_and_with_its_arguments() {
        assert_eq!(read("HELP").unwrap(), Request::Help);
        assert_eq!(read("exit").unwrap(), Request::Quit);
        assert_eq!(read("queries;").unwrap(), Request::Queries);
        assert_eq!(read("wait q ;").unwrap(), Request::Wait(Some("q".to_owned())));
        assert_eq!(read("schema `a`;").unwrap(), Request::Schema("a".to_owned()));
        assert_eq!(read("timing off").unwrap(), Request::Timing(Some(false)));
        assert_eq!(read("wait").unwrap(), Request::Wait(None));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_way_out() {
        let text = |command: &str| read(command).unwrap_err().to_string();
        assert_eq!(text("querys"), "there is no command `.querys`; did you mean `.queries`?");
        assert_eq!(text("zzz"), "there is no command `.zzz`; `.help` lists them");
        assert_eq!(text("schema"), "write `.schema TABLE`");
        assert_eq!(text("help me"), "write `.help`");
    }
}
