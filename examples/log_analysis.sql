-- Takes the lines of an access log apart with a regular expression, and counts the requests by
-- status. A line that is no request is left out.
-- millstream run examples/log_analysis.sql --available-now
CREATE TABLE logs USING text OPTIONS (path 'examples/data/logs');

CREATE TEMPORARY VIEW requests AS
SELECT
  to_timestamp(regexp_extract(value, r'\[([^\]]+)\]', 1), 'dd/MMM/yyyy:HH:mm:ss Z') AS at,
  CAST(regexp_extract(value, r'" (\d{3}) ', 1) AS INT) AS status,
  CAST(regexp_extract(value, r' (\d+)$', 1) AS BIGINT) AS bytes
FROM STREAM logs
WHERE value RLIKE r'^\S+ \S+ \S+ \[[^\]]+\] "[^"]*" \d{3} \d+$';

CREATE STREAMING TABLE by_status OUTPUT MODE complete AS
SELECT status, count(*) AS requests, sum(bytes) AS bytes, max(at) AS last
FROM requests
GROUP BY status;

SELECT status, requests, bytes, last FROM by_status ORDER BY status;
