//! Checking a script leaves everything as it is.

use tempfile::TempDir;

use crate::session::script_check::Checked;
use crate::session::session::StreamSession;
use crate::sql::statement::parse;

async fn tables(session: &StreamSession) -> usize {
    session
        .sql("SHOW TABLES")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap()
        .iter()
        .map(|b| b.num_rows())
        .sum()
}

#[tokio::test]
async fn nothing_is_made_written_or_started() {
    let (session, folder) = (StreamSession::new().unwrap(), TempDir::new().unwrap());
    let place = folder.path().to_str().unwrap();
    session.sql("CREATE TABLE kept (v INT); INSERT INTO kept VALUES (1)").await.unwrap();
    let script = format!(
        "INSERT INTO kept VALUES (2);
        CREATE TABLE copied AS SELECT v FROM kept;
        CREATE TABLE filed USING json LOCATION '{place}/filed' AS SELECT v FROM kept;
        CREATE STREAMING TABLE q USING parquet
            OPTIONS (path '{place}/out', checkpointLocation '{place}/ckpt') AS
            SELECT v FROM STREAM kept;
        SET spark.sql.session.timeZone = America/Los_Angeles;
        DROP TABLE copied;
        DROP TABLE kept"
    );
    let found = session.check(&parse(&script).unwrap()).await.unwrap();
    let found: Vec<Checked> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [Checked::Good; 7]);
    assert_eq!(tables(&session).await, 1);
    assert!(session.streams().all().is_empty());
    assert_eq!(session.settings().time_zone(), "UTC");
    let rows = session.sql("SELECT v FROM kept").await.unwrap().collect().await.unwrap();
    assert_eq!(rows.iter().map(|rows| rows.num_rows()).sum::<usize>(), 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_wrong_statement_would_have_made_is_no_fault_of_those_behind_it() {
    let session = StreamSession::new().unwrap();
    let script =
        "CREATE TABLE a AS SELECT x FROM VALUES (1) t(y); SELECT * FROM A; SELECT * FROM b";
    let found = session.check(&parse(script).unwrap()).await.unwrap();
    let told: Vec<Result<Checked, String>> =
        found.into_iter().map(|found| found.map_err(|error| error.to_string())).collect();
    assert!(told[0].as_ref().is_err_and(|error| error.contains("`x`")), "{told:?}");
    assert_eq!(told[1], Ok(Checked::DependsOn(1)));
    assert!(told[2].as_ref().is_err_and(|error| error.contains("`b`")), "{told:?}");
}
