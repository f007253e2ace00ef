-- Counts the clicks on each page in each minute of event time. A count is written once: when the
-- watermark says that no row can change it any more.
-- millstream run examples/quickstart.sql --available-now
CREATE TABLE clicks (user STRING, page STRING, ts TIMESTAMP)
USING json OPTIONS (path 'examples/data/clicks');

CREATE STREAMING TABLE per_minute
USING parquet OPTIONS (
  path 'target/quickstart/per_minute',
  checkpointLocation 'target/quickstart/checkpoint'
)
OUTPUT MODE append AS
SELECT window.start AS minute, page, count(*) AS clicks
FROM STREAM clicks WATERMARK ts DELAY OF INTERVAL 10 MINUTES
GROUP BY window(ts, '1 minute'), page;

SELECT minute, page, clicks FROM per_minute ORDER BY minute, page;
