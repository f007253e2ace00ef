//! Queries into tables, user writers, and a socket from end to end.

use std::sync::{Arc, Mutex};

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use async_trait::async_trait;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::config::Trigger;
use crate::error::ErrorKind;
use crate::session::data_frame::StreamingDataFrame;
use crate::session::session::StreamSession;
use crate::sinks::foreach::ForeachWriter;
use crate::sinks::foreach_batch::UserError;

/// A stream with the columns `k` and `timestamp`, of three rows.
async fn stream(session: &StreamSession) -> StreamingDataFrame {
    let rate = session.read_stream().format("rate-micro-batch").option("rowsPerBatch", 3);
    let rows = rate.load().await.unwrap();
    rows.select_expr(&["value AS k", "timestamp"]).await.unwrap()
}

async fn values(session: &StreamSession, query: &str) -> Vec<i64> {
    let batches = session.sql(query).await.unwrap().collect().await.unwrap();
    let columns = batches.iter().map(|rows| rows.column(0).as_primitive::<Int64Type>().clone());
    columns.flat_map(|column| column.values().to_vec()).collect()
}

fn child(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_table_is_made_and_can_be_read_by_its_name() {
    let (session, folder) = (StreamSession::new().unwrap(), TempDir::new().unwrap());
    let writer = || async { stream(&session).await.write_stream().trigger(Trigger::AvailableNow) };
    let files = writer().await.option("path", child(&folder, "out"));
    let files = files.option("checkpointLocation", child(&folder, "ckpt"));
    let query = files.to_table("files").await.unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(values(&session, "SELECT k FROM files ORDER BY k").await, [0, 1, 2]);

    let memory = writer().await.format("memory").query_name("q");
    memory.to_table("inMemory").await.unwrap().await_termination(None).await.unwrap();
    assert_eq!(values(&session, "SELECT k FROM inmemory ORDER BY k").await, [0, 1, 2]);

    let error = writer().await.to_table("nowhere").await.unwrap_err().to_string();
    assert!(error.contains("needs the option `path`"), "{error}");
    let error = writer().await.format("noop").to_table("nowhere").await.unwrap_err().to_string();
    assert!(error.contains("sink `noop` keeps no table"), "{error}");
    assert!(session.table("nowhere").await.is_err());
}

#[tokio::test]
async fn rows_are_added_to_a_table_of_files_that_has_their_columns() {
    let (session, folder) = (StreamSession::new().unwrap(), TempDir::new().unwrap());
    let out = child(&folder, "out");
    let create = |name: &str, columns: &str, path: &str| {
        format!("CREATE TABLE {name} ({columns}) USING json OPTIONS (path '{path}')")
    };
    session.sql(&create("t", "timestamp TIMESTAMP, K BIGINT", &out)).await.unwrap();
    let writer = || async { stream(&session).await.write_stream().trigger(Trigger::AvailableNow) };
    let start = writer().await.option("checkpointLocation", child(&folder, "ckpt"));
    start.to_table("T").await.unwrap().await_termination(None).await.unwrap();
    assert_eq!(values(&session, "SELECT k FROM t ORDER BY k").await, [0, 1, 2]);

    let refused = |columns: &'static str| async {
        let name = format!("t{}", columns.len());
        session.sql(&create(&name, columns, "/nowhere")).await.unwrap();
        writer().await.to_table(&name).await.unwrap_err().to_string()
    };
    assert!(refused("k BIGINT").await.contains("a column `timestamp` that table"));
    assert!(refused("k INT, timestamp TIMESTAMP").await.contains("a column `k` of type Int32"));
    let other = writer().await.format("parquet").to_table("t").await.unwrap_err().to_string();
    assert!(other.contains("have the format `json`, and the query writes `parquet`"), "{other}");
    let moved = writer().await.option("path", "/elsewhere").to_table("t").await.unwrap_err();
    assert!(moved.to_string().contains("has the option `path`"), "{moved}");
    session.sql("CREATE TEMPORARY VIEW v AS SELECT 1 AS k").await.unwrap();
    let view = writer().await.to_table("v").await.unwrap_err();
    assert_eq!(view.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn rows_cannot_be_kept_apart_by_a_sink_that_does_not_do_so() {
    let session = StreamSession::new().unwrap();
    let writer = stream(&session).await.write_stream().partition_by(["k"]);
    let error = writer.format("console").start().await.unwrap_err().to_string();
    assert!(error.starts_with("sink `console` does not keep rows apart"), "{error}");
    let writer = stream(&session).await.write_stream().partition_by(["k"]);
    let error = writer.foreach_batch(|_rows, _epoch| async { Ok(()) }).start().await.unwrap_err();
    assert!(error.to_string().starts_with("`foreach_batch` does not keep rows apart"), "{error}");
}

struct Sum(Arc<Mutex<i64>>);

#[async_trait]
impl ForeachWriter for Sum {
    async fn process(&mut self, rows: RecordBatch) -> Result<(), UserError> {
        let values = rows.column(0).as_primitive::<Int64Type>();
        *self.0.lock().unwrap() += values.values().iter().sum::<i64>();
        Ok(())
    }
}

#[tokio::test]
async fn a_writer_of_the_users_gets_all_rows_and_they_are_counted() {
    let (session, sum) = (StreamSession::new().unwrap(), Arc::new(Mutex::new(0)));
    let shared = Arc::clone(&sum);
    let writer = stream(&session).await.write_stream().trigger(Trigger::AvailableNow);
    let query = writer.foreach(move || Sum(Arc::clone(&shared))).start().await.unwrap();
    query.await_termination(None).await.unwrap();
    assert_eq!(*sum.lock().unwrap(), 3);
    assert_eq!(query.last_progress().unwrap().sink.num_output_rows, 3);
}

#[tokio::test]
async fn lines_of_a_server_are_counted_as_they_come() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let session = StreamSession::new().unwrap();
    let lines = session.read_stream().format("socket").option("host", "127.0.0.1");
    let lines = lines.option("port", u64::from(port)).load().await.unwrap();
    lines.create_or_replace_temp_view("lines").unwrap();
    let words = "SELECT word, count(*) AS n FROM (SELECT explode(split(value, ' ')) AS word FROM lines) GROUP BY word";
    let words = session.sql(words).await.unwrap().write_stream();
    let words = words.format("memory").query_name("words").output_mode("complete");
    let (query, accepted) = tokio::join!(words.start(), server.accept());
    let (query, (mut sender, _)) = (query.unwrap(), accepted.unwrap());
    for _ in 0..2 {
        sender.write_all(b"to be or not to be\n").await.unwrap();
    }
    while values(&session, "SELECT n FROM words WHERE word = 'be'").await != [4] {
        query.process_all_available().await.unwrap();
    }
    query.stop().await.unwrap();
}

#[tokio::test]
async fn files_of_text_take_one_column() {
    let (session, folder) = (StreamSession::new().unwrap(), TempDir::new().unwrap());
    let schema = Schema::new(vec![Field::new("line", DataType::Utf8, true)]);
    let (rows, stream) = session.memory_stream(&schema).unwrap();
    let column = Arc::new(StringArray::from(vec![Some("a"), None]));
    rows.add(&RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap()).unwrap();
    let writer = stream.write_stream().format("text").trigger(Trigger::AvailableNow);
    let writer = writer.option("checkpointLocation", child(&folder, "ckpt"));
    let query = writer.start_path(&child(&folder, "out")).await.unwrap();
    query.await_termination(None).await.unwrap();
    let files = std::fs::read_dir(child(&folder, "out")).unwrap();
    let mut texts = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    assert_eq!(std::fs::read_to_string(texts.next().unwrap()).unwrap(), "a\n\n");
}
