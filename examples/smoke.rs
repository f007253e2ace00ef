//! smoke
use millstream::prelude::*;
#[tokio::main]
async fn main() -> millstream::Result<()> {
    let dir = "/tmp/smoke";
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(format!("{dir}/in")).unwrap();
    let session = StreamSession::new()?;
    session.sql(&format!("CREATE TABLE clicks (ts TIMESTAMP, k STRING, v BIGINT) USING json OPTIONS (path '{dir}/in')")).await?;
    session.sql("CREATE TEMP VIEW w AS SELECT * FROM STREAM clicks WATERMARK ts DELAY OF INTERVAL 5 SECONDS").await?;
    let q = "SELECT window.start AS ws, k, count(*) AS n, sum(v) AS s FROM w GROUP BY window(ts, '10 seconds'), k";
    println!("{}", session.sql(q).await?.explain().await?);
    std::fs::write(format!("{dir}/in/1.json"), "{\"ts\":\"2024-01-01T00:00:01Z\",\"k\":\"a\",\"v\":1}\n{\"ts\":\"2024-01-01T00:00:12Z\",\"k\":\"a\",\"v\":3}\n").unwrap();
    let query = session
        .sql(q)
        .await?
        .write_stream()
        .format("console")
        .output_mode("append")
        .option("checkpointLocation", format!("{dir}/ck"))
        .start()
        .await?;
    query.process_all_available().await?;
    std::fs::write(
        format!("{dir}/in/2.json"),
        "{\"ts\":\"2024-01-01T00:00:35Z\",\"k\":\"b\",\"v\":1}\n",
    )
    .unwrap();
    query.process_all_available().await?;
    for p in query.recent_progress() {
        println!("{}", p.json());
    }
    query.stop().await?;
    Ok(())
}
