//! Statements whose answers depend on the machine, or are too long for a file of expectations.

use arrow::array::AsArray;

use crate::session::session::StreamSession;

async fn texts(session: &StreamSession, statement: &str, column: usize) -> Vec<String> {
    let batches = session.sql(statement).await.unwrap().collect().await.unwrap();
    let columns = batches.iter().map(|rows| rows.column(column).as_string::<i32>().clone());
    columns.flat_map(|c| c.iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn the_number_of_partitions_is_told_though_it_was_not_set() {
    let session = StreamSession::new().unwrap();
    let told = texts(&session, "SET spark.sql.shuffle.partitions", 1).await;
    assert!(told[0].parse::<usize>().is_ok_and(|partitions| partitions > 0), "{told:?}");
}

#[tokio::test]
async fn explain_tells_keys_as_sql_has_them() {
    let session = StreamSession::new().unwrap();
    session.sql("CREATE TABLE r (at TIMESTAMP, v BIGINT) USING memory").await.unwrap();
    let statement = "EXPLAIN SELECT date_trunc('minute', at) AS m, v % 3 AS rest, count(*) AS n
        FROM STREAM r GROUP BY 1, 2";
    let plan = texts(&session, statement, 0).await;
    assert!(plan.contains(&"  key: date_trunc('minute', at), mod(v, 3)".to_owned()), "{plan:#?}");
}
