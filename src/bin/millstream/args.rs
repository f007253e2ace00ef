//! The arguments: what may be given, and what the help says of it.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use millstream::config::TAKEOVER;

const EXAMPLES: &str = "\
Examples:
  millstream run job.sql                      run until Ctrl-C
  millstream run job.sql --available-now      process what is there, then end
  millstream check job.sql                    tell what is wrong with it, run nothing
  millstream sql                              a shell; .help tells its commands
  millstream sql -c 'SELECT 1 AS one'
  millstream sql -f report.sql --format csv > report.csv
  millstream checkpoint show /data/ckpt       epochs, offsets, watermark and state
  millstream run job.sql --conf spark.sql.shuffle.partitions=8

Exit code: 0 when all went well, 1 when a statement or a query failed, 2 for wrong usage,
130 when a signal ended the command before its work was done.";

const RUN_HELP: &str = "\
Checks the statements of a file, then runs them in order. The streaming queries that they start go on until they
end, until one fails, or until Ctrl-C or SIGTERM: then each finishes its epoch, and a second
signal aborts at once. What was aborted is done again, exactly once, at the next start.

A query statement, such as SELECT, prints its rows as a table. Like CREATE TABLE .. AS and INSERT it
waits for the streaming queries before it that end by themselves (TRIGGER ONCE or AVAILABLE NOW), and
so sees their results.
On the standard error each query says where it begins, and each of its epochs prints a line; a
terminal has a line for each query instead, with its rate, watermark, lag and state.";

const CHECK_HELP: &str = "\
Tells of each statement of a file whether it is good or what is wrong with it: words, names, types,
options, output modes, and whether each query fits its checkpoint. No row is written and no query
is started; `run` does the same before its first statement. A statement that reads files which one
before it is to write is named as such. What only the rows can tell, such as a text that is no
number, is not found.";

const SQL_HELP: &str = "\
Runs statements and prints the rows of each query among them.

Without -c and -f it is a shell: it reads statements from the terminal, or from the standard input,
one after the other, while streaming queries run; their tables can be read meanwhile. `.help` lists
its commands; what was typed is kept in $XDG_DATA_HOME/millstream/history, else in
~/.local/share/millstream/history. At the end of the input it stops the queries after the epochs that run. Where the
input is no terminal, queries that end by themselves are waited for first, by each statement that
reads rows and at the end, and the exit code is 1 when a statement failed.

With -c or -f, CREATE STREAMING TABLE needs a trigger that ends, ONCE or AVAILABLE NOW: query
statements after it wait for it, and the command ends when all streaming queries have. For queries
without an end use `millstream run`.

To look around: SHOW TABLES, VIEWS, FUNCTIONS and DATABASES, each with LIKE 'a*'; SHOW COLUMNS IN t;
SHOW STREAMING QUERIES; DESCRIBE t, or DESCRIBE and a query; EXPLAIN; SET key.

Formats: `table`; `csv` has a header, an empty field (or the text of --null) for NULL, and an empty
line between the results of two queries; `json` is one object on each line, as the json sink writes
it, and `jsonl` the same with its nulls; `markdown` is a table to be pasted into a text.";

/// Structured streaming SQL on Apache Arrow and DataFusion.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, about, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a script with streaming queries, until they end or are stopped
    #[command(long_about = RUN_HELP)]
    Run(RunArgs),
    /// Tell what is wrong with a script, and run nothing
    #[command(long_about = CHECK_HELP)]
    Check(CheckArgs),
    /// Run statements and print the rows of each query; without statements, a shell
    #[command(long_about = SQL_HELP)]
    Sql(SqlArgs),
    /// Look at the checkpoint of a query
    Checkpoint(CheckpointArgs),
}

/// What may stand before the subcommand and after it.
///
/// Not clap's global arguments: of settings given in both places these would lose some.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Set a setting, as SET would; may be repeated
    #[arg(long = "conf", value_name = "KEY=VALUE", value_parser = setting)]
    conf: Vec<(String, String)>,
    /// Log to the standard error: off, error, warn, info, debug, trace, or a filter such as
    /// `millstream::query=debug` [default: warn; also `MILLSTREAM_LOG`]
    #[arg(long, value_name = "LEVEL", value_parser = filter)]
    log: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The script; `-` reads the standard input
    #[arg(value_name = "FILE.sql")]
    pub(crate) file: PathBuf,
    /// Let every CREATE STREAMING TABLE process what is there at its start and end, whatever
    /// trigger it has; the command ends when all have
    #[arg(long)]
    pub(crate) available_now: bool,
    /// Refuse to start a query on a checkpoint whose last run is not known to have ended, instead of
    /// replacing that run; the same as --conf millstream.query.takeover=false
    #[arg(long)]
    pub(crate) no_takeover: bool,
    /// How epochs are told of on the standard error: `lines`, `json` as Spark's
    /// `StreamingQueryProgress` on a line, or `none`
    #[arg(long, value_enum, default_value_t = Progress::Lines)]
    pub(crate) progress: Progress,
    /// Add a line of JSON for each epoch to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) progress_file: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The script; `-` reads the standard input
    #[arg(value_name = "FILE.sql")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) text: TextArgs,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// What stands for NULL in CSV, such as \N; an empty field unless it is given
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) null: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct TextArgs {
    /// The statements, with semicolons between them; may be repeated
    #[arg(short = 'c', long = "command", value_name = "STATEMENT")]
    pub(crate) command: Vec<String>,
    /// A file with the statements; `-` reads the standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckpointArgs {
    #[command(subcommand)]
    pub(crate) command: CheckpointCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CheckpointCommand {
    /// Print the epochs, offsets, watermark and state of a checkpoint; its query may run meanwhile
    Show {
        /// The folder that the query has as its `checkpointLocation`
        #[arg(value_name = "DIR")]
        folder: String,
        /// How it is printed
        #[arg(long, value_enum, default_value_t = SummaryFormat::Table)]
        format: SummaryFormat,
        #[command(flatten)]
        common: Common,
    },
}

/// How a summary is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryFormat {
    Table,
    Json,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table with a frame
    Table,
    /// A header and fields with commas between them; NULL is empty, or what --null says
    Csv,
    /// An object on each line, without the fields that are NULL
    Json,
    /// An object on each line, with null for the fields that are NULL
    Jsonl,
    /// A table of Markdown
    Markdown,
}

/// How epochs are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    Lines,
    Json,
    None,
}

impl Cli {
    /// The settings of both places, in order: a later one replaces an earlier one.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.common.conf.iter().chain(&self.command.common().conf);
        let no_takeover = matches!(&self.command, Command::Run(args) if args.no_takeover);
        let no_takeover = no_takeover.then_some((TAKEOVER, "false"));
        all.map(|(key, value)| (key.as_str(), value.as_str())).chain(no_takeover)
    }

    /// The log filter; that of the subcommand counts more.
    pub(crate) fn log(&self) -> Option<&str> {
        self.command.common().log.as_deref().or(self.common.log.as_deref())
    }
}

impl Command {
    const fn common(&self) -> &Common {
        match self {
            Self::Run(args) => &args.common,
            Self::Check(args) => &args.common,
            Self::Sql(args) => &args.common,
            Self::Checkpoint(CheckpointArgs {
                command: CheckpointCommand::Show { common, .. },
            }) => common,
        }
    }
}

/// What was meant by arguments that begin with no command: a script, or a statement.
pub(crate) fn meant(arguments: &[String]) -> Option<String> {
    let first = arguments.get(1)?;
    let word = first.split_whitespace().next()?.to_ascii_lowercase();
    let statements =
        ["select", "with", "values", "show", "describe", "explain", "create", "insert", "set"];
    if Path::new(first).extension().is_some_and(|extension| extension == "sql") {
        Some(format!("`{first}` is no command; run a script by `millstream run {first}`"))
    } else if first.contains(' ') && statements.contains(&word.as_str()) {
        Some(format!("run a statement by `millstream sql -c '{first}'`"))
    } else {
        None
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write KEY=VALUE, such as spark.sql.shuffle.partitions=8".to_owned()),
    }
}

/// A level, or directives of `target=level`. A word alone that is no level would be taken for a
/// target by the filter, and log everything of nothing.
pub(crate) fn filter(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |part: &str| LEVELS.iter().any(|level| part.eq_ignore_ascii_case(level));
    if text.split(',').map(str::trim).all(|part| part.contains('=') || is_level(part)) {
        Ok(text.to_owned())
    } else {
        Err(format!("use {}, or TARGET=LEVEL", LEVELS.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    fn refused(line: &str) -> clap::Error {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_script_is_run_with_its_own_triggers_unless_told_otherwise() {
        let Command::Run(args) = parse("millstream run job.sql").unwrap().command else {
            panic!("not run")
        };
        assert_eq!((args.file, args.available_now), (PathBuf::from("job.sql"), false));
        let cli = parse("millstream run job.sql --available-now").unwrap();
        assert!(matches!(cli.command, Command::Run(RunArgs { available_now: true, .. })));
    }

    #[test]
    fn settings_before_and_after_the_subcommand_all_count() {
        let cli = parse("millstream --conf a=1 --conf b=2 run job.sql --conf a=3=4").unwrap();
        let settings: Vec<_> = cli.settings().collect();
        assert_eq!(settings, [("a", "1"), ("b", "2"), ("a", "3=4")]);
        refused("millstream run job.sql --conf a");
        refused("millstream run job.sql --conf =1");
    }

    #[test]
    fn a_log_level_is_a_level_or_names_its_target() {
        assert_eq!(parse("millstream --log info run j.sql").unwrap().log(), Some("info"));
        let both = parse("millstream --log info run j.sql --log WARN,millstream=debug").unwrap();
        assert_eq!(both.log(), Some("WARN,millstream=debug"));
        let error = refused("millstream --log loud run j.sql");
        assert!(error.to_string().contains("off, error, warn"), "{error}");
    }

    #[test]
    fn sql_takes_one_text_and_no_more() {
        let cli = Cli::try_parse_from(["millstream", "sql", "-c", "SELECT 1", "--format", "csv"]);
        let Command::Sql(args) = cli.unwrap().command else { panic!("not sql") };
        assert_eq!(args.text.command, ["SELECT 1"]);
        assert_eq!(args.format, Format::Csv);
        let Command::Sql(args) = parse("millstream sql").unwrap().command else { panic!("sql") };
        assert_eq!((args.text.command, args.text.file), (vec![], None));
        let Command::Sql(args) = parse("millstream sql -c a -c b").unwrap().command else {
            panic!("not sql")
        };
        assert_eq!(args.text.command, ["a", "b"]);
        assert_eq!(refused("millstream sql -c a -f b").kind(), ErrorKind::ArgumentConflict);
        assert_eq!(refused("millstream sql -c a --format xml").kind(), ErrorKind::InvalidValue);
    }

    #[test]
    fn what_was_meant_is_told() {
        let meant = |first: &str| meant(&["millstream".to_owned(), first.to_owned()]);
        assert!(meant("job.sql").unwrap().contains("`millstream run job.sql`"));
        assert!(meant("SELECT 1").unwrap().contains("`millstream sql -c 'SELECT 1'`"));
        assert_eq!((meant("select"), meant("job.txt"), meant("run")), (None, None, None));
    }

    #[test]
    fn a_checkpoint_is_shown_as_a_table_unless_told_otherwise() {
        let shown = |line: &str| match parse(line).unwrap().command {
            Command::Checkpoint(CheckpointArgs {
                command: CheckpointCommand::Show { folder, format, .. },
            }) => (folder, format),
            other => panic!("{other:?}"),
        };
        let table = ("/ckpt".to_owned(), SummaryFormat::Table);
        assert_eq!(shown("millstream checkpoint show /ckpt"), table);
        assert_eq!(shown("millstream checkpoint show c --format json").1, SummaryFormat::Json);
        assert_eq!(
            refused("millstream checkpoint show").kind(),
            ErrorKind::MissingRequiredArgument
        );
    }

    #[test]
    fn help_and_version_are_no_failures() {
        assert_eq!(parse("millstream --help").unwrap_err().exit_code(), 0);
        assert_eq!(parse("millstream run --help").unwrap_err().exit_code(), 0);
        let version = parse("millstream --version").unwrap_err().to_string();
        assert_eq!(version.trim(), concat!("millstream ", env!("CARGO_PKG_VERSION")));
    }
}
