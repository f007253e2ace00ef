//! Statements: text in, statement out.

use std::time::Duration;

use crate::config::Trigger;
use crate::connector::output_mode::OutputMode;
use crate::error::ErrorKind;
use crate::logical::explain_mode::ExplainMode;
use crate::sql::catalog::CatalogStatement;
use crate::sql::statement::{CreateStreamingTable, CreateTable, Statement, parse, parse_query};

fn one(text: &str) -> Statement {
    let mut all = parse(text).unwrap();
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn create_table(text: &str) -> CreateTable {
    match one(text) {
        Statement::CreateTable(table) => table,
        other => panic!("{other:?}"),
    }
}

fn streaming_table(text: &str) -> CreateStreamingTable {
    match one(text) {
        Statement::CreateStreamingTable(table) => table,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_script_is_split_at_its_semicolons_only() {
    let script =
        "-- first; not a split\nSELECT ';' ; /* a ; b */ SHOW STREAMING QUERIES;\n;SET a.b = 1";
    let all = parse(script).unwrap();
    assert_eq!(all.len(), 3);
    assert!(matches!(all[0], Statement::Query(_)));
    assert_eq!(all[1], Statement::ShowStreamingQueries);
    assert_eq!(all[2], Statement::Set { key: "a.b".to_owned(), value: Some("1".to_owned()) });
    assert!(parse(" -- nothing\n").unwrap().is_empty());
}

#[test]
fn create_table_takes_columns_format_and_options() {
    let table = create_table(
        "CREATE TABLE IF NOT EXISTS clicks (userId STRING, ts TIMESTAMP NOT NULL) USING json
         OPTIONS (path '/in', maxFilesPerTrigger = 1, 'kafka.bootstrap' \"h:1\", a.b true, n -2)",
    );
    assert_eq!(table.name, "clicks");
    assert_eq!(table.format.as_deref(), Some("json"));
    assert!(table.if_not_exists && !table.or_replace);
    let schema = table.schema.unwrap();
    assert_eq!(schema.field(0).name(), "userId");
    for (key, value) in [
        ("path", "/in"),
        ("MAXFILESPERTRIGGER", "1"),
        ("kafka.bootstrap", "h:1"),
        ("a.b", "true"),
        ("n", "-2"),
    ] {
        assert_eq!(table.options.get(key), Some(value), "{key}");
    }
    let table = create_table("create or replace table `t 1` options () using memory");
    assert_eq!((table.name.as_str(), table.or_replace, table.schema), ("t 1", true, None));
    let table = create_table("CREATE TABLE t PARTITIONED BY (k) LOCATION '/in' SELECT 1 AS k");
    assert_eq!((table.format, table.options.get("path")), (None, Some("/in")));
    assert_eq!(
        (table.partition_by.as_slice(), table.query.is_some()),
        (&["k".to_owned()][..], true)
    );
}

#[test]
fn a_streaming_table_takes_its_clauses_in_any_order() {
    let table = streaming_table(
        "CREATE STREAMING TABLE per_minute USING parquet OPTIONS (path '/out', checkpointLocation '/c')
         OUTPUT MODE update TRIGGER PROCESSING TIME '10 seconds' AS SELECT 1",
    );
    assert_eq!(table.mode, OutputMode::Update);
    assert_eq!(table.trigger, Trigger::ProcessingTime(Duration::from_secs(10)));
    assert_eq!(table.format.as_deref(), Some("parquet"));
    assert_eq!(table.options.get("checkpointlocation"), Some("/c"));
    let of =
        |clause: &str| streaming_table(&format!("CREATE STREAMING TABLE t {clause} AS SELECT 1"));
    assert_eq!(of("").trigger, Trigger::default());
    assert_eq!(of("").mode, OutputMode::Append);
    assert_eq!(of("TRIGGER ONCE OUTPUT MODE COMPLETE").trigger, Trigger::Once);
    assert_eq!(of("TRIGGER AVAILABLE NOW USING json").trigger, Trigger::AvailableNow);
    let continuous = Trigger::Continuous(Duration::from_secs(1));
    assert_eq!(of("TRIGGER CONTINUOUS INTERVAL 1 SECOND").trigger, continuous);
}

#[test]
fn the_other_statements_are_told_by_their_words() {
    let name = || "q".to_owned();
    assert_eq!(
        one("STOP STREAMING QUERY IF EXISTS q"),
        Statement::StopStreamingQuery { name: name(), if_exists: true }
    );
    assert_eq!(one("DROP TABLE q"), Statement::DropTable { name: name(), if_exists: false });
    assert_eq!(
        one("drop view if exists q;"),
        Statement::DropView { name: name(), if_exists: true }
    );
    assert!(matches!(
        one("CREATE OR REPLACE TEMP VIEW q AS SELECT 1"),
        Statement::CreateView { or_replace: true, .. }
    ));
    let Statement::Explain { mode, statement } = one("EXPLAIN EXTENDED SELECT 1") else { panic!() };
    assert_eq!(mode, ExplainMode::Extended);
    assert!(matches!(*statement, Statement::Query(_)));
    assert!(matches!(one("SHOW TABLES LIKE 'a*'"), Statement::Catalog(_)));
    assert!(matches!(one("DESCRIBE t"), Statement::Catalog(_)));
    let insert = one("INSERT INTO t (a, `b c`) VALUES (1, 2)");
    let Statement::Catalog(CatalogStatement::Insert { columns, .. }) = insert else { panic!() };
    assert_eq!(columns, ["a", "b c"]);
}

#[test]
fn set_takes_the_text_up_to_the_end() {
    let set = |text: &str| match one(text) {
        Statement::Set { key, value } => (key, value),
        other => panic!("{other:?}"),
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        set("SET spark.sql.shuffle.partitions=5"),
        ("spark.sql.shuffle.partitions".to_owned(), some("5"))
    );
    assert_eq!(set("set a.b = 10 seconds -- note"), ("a.b".to_owned(), some("10 seconds")));
    assert_eq!(set("SET a = '/x y'"), ("a".to_owned(), some("/x y")));
    assert_eq!(set("SET a.b"), ("a.b".to_owned(), None));
}

#[test]
fn a_wrong_statement_says_where_and_what_is_allowed() {
    for (text, kind, part) in [
        ("CREATE TABLE t", ErrorKind::Invalid, "table `t` needs columns, a format or a query"),
        (
            "CREATE TABLE t USING json\nCOMMENT 'x'",
            ErrorKind::Invalid,
            "line 2, column 1: there is no clause `COMMENT`; CREATE TABLE takes USING, OPTIONS, LOCATION",
        ),
        ("CREATE TABLE t (a INT) AS SELECT 1", ErrorKind::Invalid, "leave out the list"),
        ("CREATE TABLE a.t USING json", ErrorKind::Invalid, "leave out the database"),
        ("CREATE TABLE t USING json USING csv", ErrorKind::Invalid, "USING is there twice"),
        (
            "CREATE TABLE t USING json OPTIONS (a 1, A 2)",
            ErrorKind::Invalid,
            "the option `A` is there twice",
        ),
        ("CREATE TABLE t USING json OPTIONS (a)", ErrorKind::Invalid, "the value of option `a`"),
        (
            "CREATE STREAMING TABLE t COMMENT 'x' AS SELECT 1",
            ErrorKind::Invalid,
            "takes USING, OPTIONS, LOCATION, PARTITIONED BY, OUTPUT MODE and TRIGGER",
        ),
        (
            "CREATE STREAMING TABLE t OUTPUT MODE upsert AS SELECT 1",
            ErrorKind::Invalid,
            "there is no output mode `upsert`",
        ),
        (
            "CREATE STREAMING TABLE t TRIGGER PROCESSING TIME '1 month' AS SELECT 1",
            ErrorKind::Invalid,
            "no months or years",
        ),
        (
            "CREATE STREAMING TABLE t TRIGGER SOON AS SELECT 1",
            ErrorKind::Invalid,
            "ONCE, AVAILABLE NOW",
        ),
        ("CREATE STREAMING TABLE t", ErrorKind::Invalid, "ends too early"),
        (
            "CREATE STREAMING TABLE t AS INSERT",
            ErrorKind::Invalid,
            "expected a query, found `INSERT`",
        ),
        ("CREATE VIEW v AS SELECT 1", ErrorKind::Unsupported, "CREATE TEMPORARY VIEW"),
        (
            "CREATE DATABASE d",
            ErrorKind::Unsupported,
            "`DATABASE D` is not supported behind CREATE",
        ),
        ("EXPLAIN ANALYZE SELECT 1", ErrorKind::Unsupported, "EXPLAIN EXTENDED"),
        ("SELECT 1;\nSELECT FROM WHERE", ErrorKind::Invalid, "line 2, column"),
        ("SELECT 'open", ErrorKind::Invalid, "line 1, column 8"),
        ("SELECT 1 2", ErrorKind::Invalid, "line 1, column 10: `2` was not expected here"),
        ("SELECT (1", ErrorKind::Invalid, "expected"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert_eq!(error.kind(), kind, "{text}: {error}");
    }
    assert!(parse_query("SELECT 1; SELECT 2").is_err());
}
