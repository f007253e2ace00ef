//! How do I count the words that a server sends? The classic: start `nc -lk 9999` in one terminal,
//! this in another, and type. Each line gives the whole count so far.
//!
//! ```text
//! cargo run --example network_word_count -- [HOST [PORT]]
//! ```

use millstream::prelude::*;

#[tokio::main]
async fn main() -> millstream::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().unwrap_or_else(|| "localhost".to_owned());
    let port = arguments.next().unwrap_or_else(|| "9999".to_owned());
    let session = StreamSession::new()?;
    let lines =
        session.read_stream().format("socket").option("host", host).option("port", port).load();

    let words = lines.await?.select_expr(&["explode(split(value, ' ')) AS word"]).await?;
    let counts = words.group_by(vec![col("word")]).count()?;

    // In complete mode each epoch prints the whole result. A socket cannot be read twice, so the
    // count begins anew with each start.
    let query =
        counts.write_stream().format("console").output_mode(OutputMode::Complete).start().await?;
    query.await_termination(None).await?;
    Ok(())
}
