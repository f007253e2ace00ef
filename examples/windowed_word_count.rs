//! How do I count words by windows of the time at which they were said, when some of them come
//! late? Windows of ten minutes begin every five; a watermark says when one is final.
//!
//! ```text
//! cargo run --example windowed_word_count
//! ```

use millstream::prelude::*;

#[tokio::main]
async fn main() -> millstream::Result<()> {
    let session = StreamSession::new()?;
    let lines = session
        .read_stream()
        .format("json")
        .schema("ts TIMESTAMP, line STRING")
        .option("maxFilesPerTrigger", 1)
        .load_path(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/stories"))
        .await?;

    let words = lines.select_expr(&["ts", "explode(split(line, ' ')) AS word"]).await?;
    let counts = words
        .with_watermark("ts", "10 minutes")?
        .group_by(vec![
            sliding_window(col("ts"), "10 minutes", "5 minutes", "0 seconds")?,
            col("word"),
        ])
        .count()?
        .select_expr(&["window.start AS start", "word", "count"])
        .await?;

    let query = counts
        .write_stream()
        .format("console")
        .option("numRows", 50)
        .output_mode(OutputMode::Append)
        .trigger(Trigger::AvailableNow)
        .start()
        .await?;
    query.await_termination(None).await?;
    Ok(())
}
