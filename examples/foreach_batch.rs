//! How do I write to a place that Millstream does not know, exactly once? A function gets the rows
//! of each epoch with the epoch's number. After a crash an epoch may come again, with the same rows
//! and the same number: a table that keeps the number beside the rows takes it once.
//!
//! ```text
//! cargo run --example foreach_batch
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::util::pretty::pretty_format_batches;
use millstream::prelude::*;

#[tokio::main]
async fn main() -> millstream::Result<()> {
    let session = StreamSession::new()?;
    session
        .read_stream()
        .format("json")
        .schema("user STRING, page STRING, ts TIMESTAMP")
        .option("path", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clicks"))
        .option("maxFilesPerTrigger", 1)
        .load()
        .await?
        .create_or_replace_temp_view("clicks")?;

    // Stands for a table of a database, in which the number of the epoch is a key.
    let table: Arc<Mutex<BTreeMap<u64, String>>> = Arc::default();
    let written = Arc::clone(&table);
    let query = session
        .sql("SELECT user, count(*) AS clicks FROM clicks GROUP BY user")
        .await?
        .write_stream()
        .output_mode(OutputMode::Update)
        .trigger(Trigger::AvailableNow)
        .foreach_batch(move |rows, epoch| {
            let table = Arc::clone(&written);
            async move {
                let text = pretty_format_batches(&rows.collect().await?)?.to_string();
                table.lock().unwrap_or_else(PoisonError::into_inner).insert(epoch, text);
                Ok(())
            }
        })
        .start()
        .await?;
    query.await_termination(None).await?;

    for (epoch, rows) in table.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("epoch {epoch}\n{rows}");
    }
    Ok(())
}
