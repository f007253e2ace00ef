//! How do I count events by windows of event time? Reads the JSON files of a folder as a stream,
//! and prints each count when the watermark says that it is final.
//!
//! ```text
//! cargo run --example quickstart
//! ```

use millstream::prelude::*;

#[tokio::main]
async fn main() -> millstream::Result<()> {
    let session = StreamSession::new()?;
    let clicks = session
        .read_stream()
        .format("json")
        .schema("user STRING, page STRING, ts TIMESTAMP")
        .load_path(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clicks"))
        .await?;

    let per_minute = clicks
        .with_watermark("ts", "10 minutes")?
        .group_by(vec![window(col("ts"), "1 minute")?, col("page")])
        .count()?;

    // Takes what is there and ends. Without a trigger it would wait for more files; without a
    // `checkpointLocation` it begins anew each time.
    let query = per_minute
        .write_stream()
        .format("console")
        .output_mode(OutputMode::Append)
        .trigger(Trigger::AvailableNow)
        .start()
        .await?;
    query.await_termination(None).await?;
    Ok(())
}
