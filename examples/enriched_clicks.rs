//! How do I add what a table knows to the rows of a stream, and keep the result in folders by a
//! column? Clicks get the title and the section of their page, and go to parquet files in a folder
//! for each section.
//!
//! ```text
//! cargo run --example enriched_clicks
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use datafusion::arrow::util::pretty::pretty_format_batches;
use millstream::prelude::*;

#[tokio::main]
async fn main() -> millstream::Result<()> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let out = std::env::args().nth(1).unwrap_or_else(|| "target/enriched_clicks".to_owned());
    let session = StreamSession::new()?;
    let clicks = session
        .read_stream()
        .format("json")
        .schema("user STRING, page STRING, ts TIMESTAMP")
        .load_path(&format!("{data}/clicks"))
        .await?;
    clicks.create_or_replace_temp_view("clicks")?;
    let pages = session.read().format("json").option("path", format!("{data}/pages")).load();
    pages.await?.create_or_replace_temp_view("pages")?;

    // The table is read once, when the query starts; the rows of the stream alone decide what an
    // epoch costs.
    let enriched = session
        .sql("SELECT ts, user, title, section FROM clicks LEFT JOIN pages USING (page)")
        .await?;
    let query = enriched
        .write_stream()
        .partition_by(["section"])
        .option("path", format!("{out}/visits"))
        .option("checkpointLocation", format!("{out}/checkpoint"))
        .trigger(Trigger::AvailableNow)
        .to_table("visits")
        .await?;
    query.await_termination(None).await?;

    let visits = session
        .sql("SELECT section, count(*) AS visits FROM visits GROUP BY section ORDER BY section")
        .await?;
    println!("{}", pretty_format_batches(&visits.collect().await?)?);
    Ok(())
}
