-- Counts words by windows of the time at which they were said: windows of ten minutes begin every
-- five. A count is written once, when no word of its window can come any more.
-- millstream run examples/windowed_word_count.sql --available-now
CREATE TABLE stories (ts TIMESTAMP, line STRING)
USING json OPTIONS (path 'examples/data/stories', maxFilesPerTrigger '1');

CREATE STREAMING TABLE counts
USING parquet OPTIONS (
  path 'target/windowed_word_count/counts',
  checkpointLocation 'target/windowed_word_count/checkpoint'
)
OUTPUT MODE append AS
SELECT window.start AS start, word, count(*) AS count
FROM (SELECT ts, explode(split(line, ' ')) AS word FROM STREAM stories WATERMARK ts DELAY OF INTERVAL 10 MINUTES)
GROUP BY window(ts, '10 minutes', '5 minutes'), word;

SELECT start, word, count FROM counts WHERE word = 'cat' ORDER BY start;
