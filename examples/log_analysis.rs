//! How do I make a table of the lines of a log? Regular expressions take the lines of text files
//! apart, and the requests are counted by their status.
//!
//! ```text
//! cargo run --example log_analysis
//! ```

use millstream::prelude::*;

/// An access log: the time, the method, the path, the status and the length.
const PATTERN: &str = r#"^\\S+ \\S+ \\S+ \\[([^\\]]+)\\] "(\\S+) (\\S+) [^"]*" (\\d{3}) (\\d+)"#;

#[tokio::main]
async fn main() -> millstream::Result<()> {
    let session = StreamSession::new()?;
    let lines = session
        .read_stream()
        .format("text")
        .load_path(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/logs"))
        .await?;

    let field = |number: u32| format!("regexp_extract(value, '{PATTERN}', {number})");
    let time = format!("to_timestamp({}, 'dd/MMM/yyyy:HH:mm:ss Z') AS at", field(1));
    let status = format!("CAST({} AS INT) AS status", field(4));
    let bytes = format!("CAST({} AS BIGINT) AS bytes", field(5));
    let requests = lines
        // A line that is no request is left out.
        .filter_expr(&format!("value RLIKE '{PATTERN}'"))
        .await?
        .select_expr(&[&time, &status, &bytes])
        .await?;
    requests.create_or_replace_temp_view("requests")?;
    let by_status = session
        .sql("SELECT status, count(*) AS requests, sum(bytes) AS bytes, max(at) AS last FROM requests GROUP BY status ORDER BY status")
        .await?;

    let query = by_status
        .write_stream()
        .format("console")
        .output_mode(OutputMode::Complete)
        .trigger(Trigger::AvailableNow)
        .start()
        .await?;
    query.await_termination(None).await?;
    Ok(())
}
