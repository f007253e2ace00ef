//! Queries: text in, logical plan out, over tables in memory and a view.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::{MemTable, ViewTable, source_as_provider};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;

use crate::connector::source::{Freshness, MicroBatchSource, SourceContext, SourceDefinition};
use crate::connector::storage::Storage;
use crate::error::{Error, ErrorKind, Result};
use crate::operators::scan::{CatalogTable, StreamTable};
use crate::sql::planner::{configure, plan};
use crate::sql::statement::parse_query;
use crate::sql::tests::NoFiles;
use crate::sql::types::{parse_schema, spark_type_name};

/// A source that is described and never started.
#[derive(Debug)]
struct Described(SchemaRef);

#[async_trait]
impl SourceDefinition for Described {
    fn format(&self) -> &'static str {
        "described"
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }

    fn takes_filters(&self) -> bool {
        false
    }

    fn start(&self, _context: SourceContext) -> Result<Arc<dyn MicroBatchSource>> {
        Err(Error::internal("a described source was started"))
    }

    async fn table(
        &self,
        _storage: &Arc<dyn Storage>,
        _freshness: Freshness,
    ) -> Result<Arc<dyn TableProvider>> {
        Err(Error::internal("a described source was read as a table"))
    }
}

const TABLES: &[(&str, &str)] = &[
    ("s", "ts TIMESTAMP, k STRING, v BIGINT, x DOUBLE, j INT, d DATE, b BOOLEAN, bin BINARY"),
    ("d", "k STRING, name STRING"),
    ("e", "e BIGINT"),
    ("ntz", "ts TIMESTAMP_NTZ"),
    (
        "Mixed",
        "userId STRING, `Odd Name` INT, st STRUCT<Aa: STRUCT<Bb: INT>>, arr ARRAY<STRUCT<Cc: INT>>",
    ),
    ("twins", "a_1 INT, c STRING"),
    ("old", "window STRUCT<start: TIMESTAMP, end: TIMESTAMP>, k STRING, n BIGINT"),
];

fn context() -> SessionContext {
    let builder = SessionStateBuilder::new().with_default_features();
    let context = SessionContext::new_with_state(configure(builder).build());
    for (name, ddl) in TABLES {
        let schema = parse_schema(ddl).unwrap();
        let rows = Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap());
        context.register_table(format!("\"{name}\""), rows).unwrap();
    }
    let schema = parse_schema("ts TIMESTAMP, k STRING, v BIGINT").unwrap();
    let rows: Arc<dyn TableProvider> =
        Arc::new(MemTable::try_new(Arc::clone(&schema), vec![vec![]]).unwrap());
    let stream = Arc::new(StreamTable::new(None, Arc::new(Described(schema))));
    let catalog = CatalogTable::new(rows, Arc::clone(&stream));
    context.register_table("clicks", Arc::new(catalog)).unwrap();
    context.register_table("live", stream).unwrap();
    context
}

async fn try_planned(text: &str) -> Result<LogicalPlan> {
    plan(&context().state(), &NoFiles, &parse_query(text)?).await
}

async fn planned(text: &str) -> LogicalPlan {
    try_planned(text).await.unwrap_or_else(|error| panic!("{text}: {error}"))
}

async fn columns(text: &str) -> Vec<String> {
    let plan = planned(text).await;
    plan.schema().fields().iter().map(|field| field.name().clone()).collect()
}

async fn types(text: &str) -> Vec<String> {
    let plan = planned(text).await;
    plan.schema().fields().iter().map(|field| spark_type_name(field.data_type())).collect()
}

async fn refused(text: &str, kind: ErrorKind, part: &str) {
    let error = try_planned(text).await.expect_err(text);
    assert!(error.to_string().contains(part), "{text}: {error}");
    assert_eq!(error.kind(), kind, "{text}: {error}");
}

fn streams(plan: &LogicalPlan) -> usize {
    let mut count = 0;
    plan.apply(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            let any: &dyn std::any::Any = provider.as_ref();
            count += usize::from(any.is::<StreamTable>());
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    count
}

#[tokio::test]
async fn columns_have_sparks_names_and_types() {
    for (text, names, expected) in [
        ("SELECT k, count(*) n FROM s GROUP BY k", "k n", "string bigint"),
        (
            "WITH f AS (SELECT k, v FROM s WHERE v > 0), g AS (SELECT k, sum(v) AS t FROM f GROUP BY k) SELECT k, t, t > 5 AS big FROM g",
            "k t big",
            "string bigint boolean",
        ),
        (
            "SELECT k, sum(x) s, avg(x) a, min(x) mi, max(x) ma FROM s GROUP BY k",
            "k s a mi ma",
            "string double double double double",
        ),
        (
            "SELECT u, sum(d) s FROM (SELECT upper(k) u, v * 2 d FROM s WHERE v IS NOT NULL) x WHERE u <> 'C' GROUP BY u",
            "u s",
            "string bigint",
        ),
        (
            "SELECT k, count(*) FILTER (WHERE v > 1) n1, sum(v) FILTER (WHERE v < 0) neg, count(*) n FROM s GROUP BY k",
            "k n1 neg n",
            "string bigint bigint bigint",
        ),
        (
            "SELECT count(k, v) n, count(k) nk, count(1) n1, count(NULL) n0 FROM s",
            "n nk n1 n0",
            "bigint bigint bigint bigint",
        ),
        (
            "SELECT k, first(v) f, last(v) l, first(v, true) fi, last(v, true) li, any_value(v) av FROM s GROUP BY k",
            "k f l fi li av",
            "string bigint bigint bigint bigint bigint",
        ),
        ("SELECT max(v) m FROM s HAVING max(v) > 2", "m", "bigint"),
        (
            "SELECT d, b, bin, count(*) n FROM s GROUP BY d, b, bin",
            "d b bin n",
            "date boolean binary bigint",
        ),
        (
            "SELECT v % 3 AS m, upper(k) AS u, count(*) n FROM s GROUP BY 1, 2",
            "m u n",
            "bigint string bigint",
        ),
        ("SELECT k, j, count(*) n FROM s GROUP BY k, j", "k j n", "string int bigint"),
        (
            "SELECT k, stddev(x) sd, stddev_pop(x) sp, variance(x) va, var_pop(x) vp FROM s GROUP BY k",
            "k sd sp va vp",
            "string double double double double",
        ),
        (
            "SELECT k, sum(v) s, avg(v) a, min(v) mi, max(v) ma FROM s GROUP BY k",
            "k s a mi ma",
            "string bigint double bigint bigint",
        ),
        ("SELECT timestamp_millis(e) AS et FROM e", "et", "timestamp"),
        (
            "SELECT k, v * 2 AS d FROM s WHERE ts < TIMESTAMP'2024-01-01T00:01:00Z'",
            "k d",
            "string bigint",
        ),
        ("SELECT d.k, name FROM s LEFT SEMI JOIN d ON s.k <=> d.k, d", "k name", "string string"),
        (
            "SELECT CAST(v AS DECIMAL(10,2)) c, 1.5 p, v / 2 q, v DIV 2 i, CAST(k AS TIMESTAMP_NTZ) z FROM s",
            "c p q i z",
            "decimal(10,2) decimal(2,1) double bigint timestamp_ntz",
        ),
        (
            "SELECT current_timestamp AS a, current_timestamp() b, now() c, current_date d, localtimestamp l FROM s",
            "a b c d l",
            "timestamp timestamp timestamp date timestamp_ntz",
        ),
        ("SELECT ts + INTERVAL 1 HOUR 30 MINUTES AS t FROM s", "t", "timestamp"),
    ] {
        assert_eq!(columns(text).await.join(" "), names, "{text}");
        assert_eq!(types(text).await.join(" "), expected, "{text}");
    }
}

#[tokio::test]
async fn columns_without_alias_are_called_as_spark_calls_them() {
    for (item, name) in [
        ("count(*)", "count(1)"),
        ("Sum(s.v)", "sum(v)"),
        ("count(DISTINCT v)", "count(DISTINCT v)"),
        ("count(v) FILTER (WHERE v > 1)", "count(v) FILTER (WHERE (v > 1))"),
        ("max(v) * 2 + 1", "((max(v) * 2) + 1)"),
        ("first(v, true)", "first(v)"),
        ("mean(x)", "mean(x)"),
        ("max(v) <> 1 AND NOT bool_or(b)", "((NOT (max(v) = 1)) AND (NOT bool_or(b)))"),
        ("CAST(max(v) AS STRING)", "CAST(max(v) AS STRING)"),
        ("max(upper(K))", "max(upper(K))"),
        (
            "CASE WHEN max(v) > 1 THEN 'big' ELSE 'small' END",
            "CASE WHEN (max(v) > 1) THEN big ELSE small END",
        ),
        ("max(v) IS NULL", "(max(v) IS NULL)"),
        ("max(v) IN (1, 2)", "(max(v) IN (1, 2))"),
        ("'it''s'", "it's"),
        ("NULL", "NULL"),
        ("max(ts) + INTERVAL 5 SECONDS", "max(ts) + INTERVAL '05' SECOND"),
    ] {
        let text = format!("SELECT {item} FROM s");
        assert_eq!(columns(&text).await, [name], "{text}");
    }
    assert_eq!(columns("SELECT V, s.K, st.AA.bb FROM s, mixed").await, ["V", "K", "bb"]);
    assert_eq!(columns("SELECT v FROM (SELECT count(*) FROM s) t(V)").await, ["v"]);
    let nested = "SELECT `COUNT(1)` + 1 FROM (SELECT count(*) FROM s)";
    assert_eq!(columns(nested).await, ["(COUNT(1) + 1)"]);
}

#[tokio::test]
async fn names_do_not_depend_on_case() {
    for text in [
        "SELECT USERID, mixed.`odd name`, ST.aA.BB, mixed.st.Aa FROM MIXED",
        "SELECT arr[1].cc, m.ARR[1].CC, st['Aa'] FROM Mixed m",
        "SELECT M.userid FROM mixed AS m WHERE M.USERID = 'a' ORDER BY USERid",
        "SELECT upper(K) AS Up, count(*) N FROM S GROUP BY UP HAVING n > 1 ORDER BY up, N",
        "WITH C AS (SELECT v AS Vv FROM s) SELECT vv FROM c WHERE VV > 1",
        "SELECT A.K FROM s a JOIN D b ON A.k = B.K ORDER BY k",
        "SELECT k, NAME FROM s JOIN d USING (K) WHERE K = 'a'",
        "SELECT K, s.k, d.k, count(*) FROM s RIGHT JOIN d USING (k) GROUP BY K, s.k, D.k",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT N + 1 FROM R WHERE n < 5) SELECT N FROM r",
        "SELECT T.id FROM range(5) t",
        "SELECT k FROM s NATURAL JOIN d ORDER BY k",
        "SELECT t.* FROM s t JOIN d USING (k) WHERE T.K = 'a'",
        "SELECT k FROM s WHERE EXISTS (SELECT 1 FROM d WHERE D.K = S.k)",
        "SELECT (SELECT max(NAME) FROM d WHERE d.k = S.K) FROM s",
        "SELECT K FROM s MINUS SELECT k FROM d",
        "SELECT K FROM s UNION ALL SELECT k FROM d ORDER BY k",
        "SELECT * EXCEPT (TS, V) FROM s",
        "SELECT T.* FROM s t",
        "SELECT X.Q FROM (SELECT v FROM s) AS x(q)",
        "SELECT sum(V) OVER (PARTITION BY K ORDER BY Ts) FROM s",
        "SELECT k, j, grouping(K) FROM s GROUP BY ROLLUP (K, J)",
    ] {
        planned(text).await;
    }
}

#[tokio::test]
async fn columns_of_using_come_once_and_first() {
    let text = "SELECT * FROM e JOIN old ON e.e = old.n JOIN d USING (K)";
    assert_eq!(columns(text).await, ["k", "e", "window", "n", "name"]);
    let full = "SELECT k FROM s FULL JOIN d USING (k)";
    assert_eq!(columns(full).await, ["k"]);
}

#[tokio::test]
async fn a_clause_that_nothing_would_act_on_is_refused() {
    for text in [
        "SELECT * FROM s TABLESAMPLE (10 PERCENT)",
        "SELECT * FROM (SELECT 1) TABLESAMPLE (10 ROWS)",
        "SELECT * INTO x FROM s",
        "SELECT k FROM s FOR UPDATE",
        "SELECT k FROM s FETCH FIRST 1 ROWS ONLY",
        "SELECT * FROM s PIVOT (sum(v) FOR k IN ('a'))",
    ] {
        refused(text, ErrorKind::Unsupported, "not supported").await;
    }
}

#[tokio::test]
async fn what_cannot_be_told_apart_is_refused() {
    let context = context();
    let schema = Arc::new(arrow::datatypes::Schema::new(vec![
        arrow::datatypes::Field::new("a", arrow::datatypes::DataType::Int32, true),
        arrow::datatypes::Field::new("A", arrow::datatypes::DataType::Int32, true),
    ]));
    let table = Arc::new(MemTable::try_new(schema, vec![vec![]]).unwrap());
    context.register_table("same", table).unwrap();
    let query = parse_query("SELECT a FROM same").unwrap();
    let error = plan(&context.state(), &NoFiles, &query).await.unwrap_err().to_string();
    assert!(error.contains("it could be `same.a` or `same.A`"), "{error}");
    refused("SELECT k FROM s, d", ErrorKind::Invalid, "it could be `s.k` or `d.k`").await;
    refused("SELECT 1 FROM nope", ErrorKind::Invalid, "there is no table `nope`").await;
    refused("SELECT 1 FROM click", ErrorKind::Invalid, "did you mean `clicks`?").await;
    refused("SELECT nope(k) FROM s", ErrorKind::Invalid, "nope").await;
    refused("SELECT kk FROM s", ErrorKind::Invalid, "kk").await;
    refused("SELECT st.nope FROM mixed", ErrorKind::Invalid, "the struct has `Aa`").await;
    refused("SELECT k, v, count(*) FROM s GROUP BY k", ErrorKind::Invalid, "v").await;
    let random = "SELECT k, count(rand()) FROM s GROUP BY k HAVING rand() > 2";
    refused(random, ErrorKind::Invalid, "cannot aggregate `rand()`").await;
}

#[tokio::test]
async fn stream_reads_the_unbounded_form_of_a_table() {
    assert_eq!(streams(&planned("SELECT * FROM STREAM clicks").await), 1);
    assert_eq!(streams(&planned("SELECT * FROM clicks").await), 0);
    assert_eq!(
        streams(&planned("SELECT c.K FROM STREAM(Clicks) AS c JOIN d ON c.k = d.k").await),
        1
    );
    assert_eq!(streams(&planned("SELECT * FROM live").await), 1);
    refused("SELECT * FROM STREAM d", ErrorKind::Invalid, "take STREAM away").await;

    let context = context();
    let view = planned("SELECT k FROM STREAM clicks").await;
    context.register_table("vw", Arc::new(ViewTable::new(view, None))).unwrap();
    let query = parse_query("SELECT k FROM STREAM vw UNION ALL SELECT k FROM vw").unwrap();
    assert_eq!(streams(&plan(&context.state(), &NoFiles, &query).await.unwrap()), 2);
}

#[tokio::test]
async fn watermark_takes_a_column_or_adds_one() {
    let text = "SELECT c.K, ts FROM STREAM clicks WATERMARK TS DELAY OF INTERVAL 10 MINUTES AS c";
    assert_eq!(columns(text).await, ["K", "ts"]);
    let text = "SELECT * FROM e WATERMARK timestamp_seconds(E) AS At DELAY OF INTERVAL 5 SECONDS";
    assert_eq!(columns(text).await, ["e", "At"]);
    assert_eq!(types(text).await, ["bigint", "timestamp"]);
    planned(
        "SELECT at, e.e FROM e WATERMARK timestamp_seconds(e) AS At DELAY OF INTERVAL 5 SECONDS",
    )
    .await;
    let nope = "SELECT * FROM s WATERMARK nope DELAY OF INTERVAL 5 SECONDS";
    refused(nope, ErrorKind::Invalid, "`nope` is none").await;
}

#[tokio::test]
async fn windows_that_make_no_sense_are_refused() {
    let group = |window: &str| format!("SELECT count(*) FROM s GROUP BY {window}");
    for (window, part) in [
        ("window(ts, '5 seconds'), window(ts, '10 seconds')", "multiple time windows"),
        ("window(ts, '-5 seconds')", "must be positive"),
        ("window(ts, '5 seconds', '10 seconds')", "must not be longer"),
        ("window(ts, '1 month')", "months or years"),
        ("window(ts, 'soon')", "cannot read the interval `soon`"),
        ("window(ts)", "write window(time"),
    ] {
        refused(&group(window), ErrorKind::Invalid, part).await;
    }
    refused(&group("session_window(ts, '5 seconds')"), ErrorKind::Unsupported, "session_window")
        .await;
    refused("SELECT 1 FROM s WHERE window(ts, '1 day').start > ts", ErrorKind::Invalid, "in WHERE")
        .await;
}

#[tokio::test]
async fn a_batch_query_runs_with_the_time_of_its_start() {
    let context = context();
    let text = "SELECT now() = current_timestamp AS same, timestamp_seconds(1.5) AS t, 7 / 2 AS q, 7 DIV 2 AS w, make_array(5, 6)[0] AS f, make_array(5, 6)[1] AS l";
    let plan = plan(&context.state(), &NoFiles, &parse_query(text).unwrap()).await.unwrap();
    let rows = context.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
    let shown = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
    assert!(shown.contains("| true | 1970-01-01T00:00:01.500Z | 3.5 | 3 | 5 | 6 |"), "{shown}");
}
