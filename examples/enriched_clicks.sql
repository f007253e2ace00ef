-- Gives clicks the title and the section of their page, which a table knows, and keeps them in
-- parquet files, in a folder for each section.
-- millstream run examples/enriched_clicks.sql --available-now
CREATE TABLE clicks (user STRING, page STRING, ts TIMESTAMP)
USING json OPTIONS (path 'examples/data/clicks');

CREATE TABLE pages (page STRING, title STRING, section STRING)
USING json OPTIONS (path 'examples/data/pages');

CREATE STREAMING TABLE visits
USING parquet OPTIONS (
  path 'target/enriched_clicks/visits',
  checkpointLocation 'target/enriched_clicks/checkpoint'
)
PARTITIONED BY (section) AS
SELECT ts, user, title, section FROM STREAM clicks LEFT JOIN pages USING (page);

SELECT section, count(*) AS visits FROM visits GROUP BY section ORDER BY section;
