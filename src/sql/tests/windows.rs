//! Windows of event time: text in, the query that DataFusion is given out.

use std::sync::Arc;

use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::sql::ast::binder::{self, Rules};
use crate::sql::statement::parse_query;
use crate::sql::tables::Tables;
use crate::sql::types::parse_schema;

async fn bound(text: &str) -> String {
    let context = SessionContext::new();
    for (name, ddl) in [
        ("w", "ts TIMESTAMP, k STRING, v BIGINT"),
        ("d", "k STRING, name STRING"),
        ("i", "window STRUCT<start: TIMESTAMP, end: TIMESTAMP>, k STRING, n BIGINT"),
    ] {
        let table = MemTable::try_new(parse_schema(ddl).unwrap(), vec![vec![]]).unwrap();
        context.register_table(name, Arc::new(table)).unwrap();
    }
    let mut query = parse_query(text).unwrap();
    let tables = Tables::load(&context.state(), &query).await.unwrap();
    let is_aggregate = |name: &str| matches!(name, "count" | "sum");
    let rules = Rules { is_ansi: true, group_by_aliases: true };
    binder::bind(&mut query, &tables, &is_aggregate, rules)
        .unwrap_or_else(|e| panic!("{text}: {e}"));
    query.to_string().replace('`', "").replace("CAST(1 AS INT)", "1")
}

fn windowed(input: &str, time: &str, spec: &str) -> String {
    format!("({input}) PIVOT(__millstream_window({time}) FOR __millstream IN ({spec}))")
}

const TEN: &str = "'10000000', '10000000', '0'";

#[tokio::test]
async fn a_window_in_group_by_becomes_a_column_of_the_relation_below() {
    let from = windowed("w", "ts", TEN);
    assert_eq!(
        bound("SELECT window.START AS ws, window.end, K, count(*) AS n FROM w GROUP BY window(TS, '10 seconds'), k HAVING count(*) > 1").await,
        format!("SELECT window.start AS ws, window.end AS end, k AS K, count(*) AS n FROM {from} GROUP BY window, k HAVING count(*) > 1")
    );
    assert_eq!(
        bound("SELECT window, count(*) AS n FROM w WHERE v > 1 GROUP BY window(ts, '10 seconds') ORDER BY window.start").await,
        format!("SELECT window, count(*) AS n FROM {from} WHERE v > 1 GROUP BY window ORDER BY window.start")
    );
}

#[tokio::test]
async fn a_window_may_stand_in_select_alone() {
    let sliding = windowed("w", "ts", "'10000000', '5000000', '1000000'");
    assert_eq!(
        bound("SELECT k, Window(ts, '10 seconds', '5 seconds', '1 second') FROM w").await,
        format!("SELECT k, window FROM {sliding}")
    );
    let from = windowed("w", "ts", TEN);
    assert_eq!(
        bound("SELECT window(ts, '10 seconds').start AS d, count(*) AS n FROM w GROUP BY window(ts, '10 seconds')").await,
        format!("SELECT window.'start' AS d, count(*) AS n FROM {from} GROUP BY window")
    );
    assert_eq!(
        bound("SELECT x.*, window(ts, '10 seconds') AS at FROM w x").await,
        format!("SELECT x.ts, x.k, x.v, window AS at FROM {}", windowed("w x", "ts", TEN))
    );
}

#[tokio::test]
async fn qualifiers_stay_across_joins_below_a_window() {
    let from = windowed("w JOIN d ON w.k = d.k", "w.ts", TEN);
    assert_eq!(
        bound("SELECT window.start AS ws, d.name, count(*) AS n FROM w JOIN d ON w.k = D.K GROUP BY window(w.ts, '10 seconds'), d.name").await,
        format!("SELECT window.start AS ws, d.name, count(*) AS n FROM {from} GROUP BY window, d.name")
    );
    let from = windowed("w CROSS JOIN d", "ts", TEN);
    assert_eq!(
        bound("SELECT *, window(ts, '10 seconds') AS at FROM w, d").await,
        format!(
            "SELECT w.ts, w.k, w.v, d.k AS __millstream_twin_1_k, d.name, window AS at FROM {from}"
        )
    );
}

#[tokio::test]
async fn a_window_of_a_window_hides_the_one_below() {
    let from = windowed("i", "window_time(__window_of_input)", TEN);
    assert_eq!(
        bound("SELECT window(window_time(window), '10 seconds').start AS ws, sum(n) AS t FROM i GROUP BY window(window_time(window), '10 seconds')").await,
        format!("SELECT window.'start' AS ws, sum(n) AS t FROM {from} GROUP BY window")
    );
    let from = windowed("i", "__window_of_input", TEN);
    assert_eq!(
        bound("SELECT i.window, window.start AS s FROM i WHERE window.start IS NULL GROUP BY window(window, '10 seconds'), i.window").await,
        format!("SELECT i.__window_of_input AS window, window.start AS s FROM {from} WHERE __window_of_input.start IS NULL GROUP BY window, i.__window_of_input")
    );
}

#[tokio::test]
async fn each_block_has_its_own_window() {
    let inner = windowed("w", "ts", TEN);
    let twenty = "'20000000', '20000000', '0'";
    let outer = format!("SELECT window, count(*) AS n FROM {inner} GROUP BY window");
    let outer = windowed(&format!("({outer}) i"), "__window_of_input", twenty);
    assert_eq!(
        bound("SELECT window, sum(n) AS t FROM (SELECT window, count(*) AS n FROM w GROUP BY window(ts, '10 seconds')) i GROUP BY window(window, '20 seconds')").await,
        format!("SELECT window, sum(n) AS t FROM {outer} GROUP BY window")
    );
}
