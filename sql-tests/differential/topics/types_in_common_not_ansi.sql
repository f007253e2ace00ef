-- The same outside of ANSI mode.
SET spark.sql.ansi.enabled = false
SELECT 1 EXCEPT SELECT '1'
SELECT 1 UNION ALL SELECT 'a'
SELECT 1 UNION ALL SELECT true
SELECT * FROM VALUES ('a'), (1)
CROSS coalesce(%, %), IF(true, %, %), CASE WHEN true THEN % ELSE % END, array(%, %) : 1, '2', true, DATE'2020-01-01', TIMESTAMP'2020-01-01 00:00:00', X'41', 'true', array(1)
CROSS (% IN (%)), greatest(%, %) : 1, '2', true, DATE'2020-01-01', X'41'
true > 0, true < 'true', true IN (1), true IN ('true'), true + 1, 1 BETWEEN true AND 2, true = '1'
size(NULL), cardinality(NULL), size(cast(NULL AS ARRAY<INT>)), size(cast(NULL AS MAP<INT, INT>)), size(array(1, NULL))
TABLE k (i INT, s STRING, dt DATE, ts TIMESTAMP) [["1","'1'","DATE'2024-01-02'","TIMESTAMP'2024-01-02 00:00:00'"],["2","'1.0'","DATE'2024-01-03'","TIMESTAMP'2024-01-03 10:00:00'"]]
SELECT a.s FROM k a WHERE a.s IN (SELECT i FROM k)
SELECT a.i FROM k a WHERE a.i IN (SELECT s FROM k)
SELECT i FROM k UNION SELECT s FROM k ORDER BY 1
SELECT x FROM (SELECT i AS x FROM VALUES (1) t(i) UNION SELECT 'a') ORDER BY x
SELECT cast(s AS DOUBLE) AS d, count(*) FROM VALUES ('1'), ('1.0') t(s) GROUP BY cast(s AS DOUBLE)
SELECT cast(v AS SMALLINT) AS d, count(*) FROM VALUES (1), (2) t(v) GROUP BY cast(v AS SMALLINT) ORDER BY d
SELECT x FROM (SELECT i AS x FROM VALUES (1) t(i) UNION SELECT 2.5) ORDER BY x
SELECT x FROM (SELECT i AS x FROM VALUES (1) t(i) UNION SELECT 2L UNION SELECT 2.5D) ORDER BY x
SELECT m.k, m.`2` FROM VALUES (map('k', 1, '2', 2)) t(m)
