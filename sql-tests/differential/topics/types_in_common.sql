-- The type that branches, sides and choices have in common, and what has none.
SET spark.sql.session.timeZone = America/Los_Angeles
SELECT 1 EXCEPT SELECT 1.0
SELECT 1 INTERSECT SELECT 1.0
SELECT 1 EXCEPT SELECT '1'
SELECT 1 INTERSECT ALL SELECT 1.0D
SELECT a FROM VALUES (1), (1), (2) t(a) EXCEPT ALL SELECT 1.0
SELECT '1' AS a INTERSECT SELECT 1
SELECT a FROM VALUES ('1'), (' 1'), ('2') t(a) INTERSECT SELECT 1
SELECT DATE'2020-01-01' INTERSECT SELECT TIMESTAMP'2020-01-01 00:00:00'
SELECT 1, 'a' EXCEPT SELECT 2L, 'b'
SELECT array(1, 2) EXCEPT SELECT array(1L, 2L)
SELECT 1 EXCEPT SELECT array(1)
SELECT 1 INTERSECT SELECT DATE'2020-01-01'
SELECT x, typeof(x) FROM (SELECT 1 AS x INTERSECT SELECT 1L UNION ALL SELECT 2)
coalesce(DATE'2020-01-01', '2020-01-02'), coalesce('2020-01-02', DATE'2020-01-01'), coalesce(TIMESTAMP'2020-01-01 00:00:00', 'x'), if(true, true, 'false'), nvl(true, 'x'), coalesce(X'41', 'b'), coalesce(NULL, X'41', 'b'), array(true, 'false'), array(DATE'2020-01-01', '2020-01-02'), map('2020-01-03', 1, DATE'2020-01-01', 2)
CROSS coalesce(%, %), IF(true, %, %), nvl(%, %), nvl2(1, %, %), CASE WHEN true THEN % ELSE % END, array(%, %) : 1, '2', true, DATE'2020-01-01', TIMESTAMP'2020-01-01 00:00:00', X'41', 'true', '2020-01-02', array(1)
CROSS (% IN (%)), greatest(%, %), ifnull(%, %) : 1, '2', true, DATE'2020-01-01', X'41'
CROSS (% IN (%)), (greatest(%, %) > INTERVAL '0' DAY) : 1, '2', DATE'2020-01-01', INTERVAL '1' DAY, INTERVAL '1' MONTH
coalesce(INTERVAL '1' DAY, INTERVAL '1' MONTH), CASE WHEN true THEN INTERVAL '1' DAY ELSE INTERVAL '1' MONTH END, coalesce(INTERVAL '1' DAY, INTERVAL '2' DAY) = INTERVAL '1' DAY, greatest(1, DATE'2020-01-01'), 1 IN (DATE'2020-01-01'), DATE'2020-01-01' IN ('2020-01-01', '2020-01-02')
coalesce(1, 'a'), coalesce(1.5, '2'), nvl(1, '2'), nullif(1, '1'), nvl2(1, 2, '3'), if(false, 1, '3'), array(1, '2'), map(1, 2, '3', '4'), if(true, array(1), array('a')), if(true, map('a', 1), map('a', 'b'))
CASE WHEN true THEN 0 ELSE 'abc' END, CASE WHEN true THEN 0 ELSE cast('abc' AS INT) END, coalesce(1, cast('abc' AS INT)), if(true, 1, cast('abc' AS INT)), nvl(1, cast('x' AS INT)), if(true, 1, 'abc'), nvl(1, 'abc'), CASE 1 WHEN 1 THEN 2 WHEN 'abc' THEN 3 END, true OR cast('abc' AS INT) = 1, false AND cast('abc' AS INT) = 1
SELECT a, b, count(*) FROM VALUES (1, 2) t(a, b) GROUP BY ROLLUP ((a, b)) ORDER BY a
SELECT a, b, count(*) FROM VALUES (1, 2) t(a, b) GROUP BY CUBE ((a, b), a) ORDER BY a, b
SELECT count(*) FROM VALUES (1) t(a) WHERE false GROUP BY GROUPING SETS (())
SELECT * FROM VALUES ('a'), (1)
SELECT * FROM VALUES ('1'), (1.5)
SELECT * FROM VALUES (true), (1)
SELECT * FROM VALUES (DATE'2020-01-01'), ('2020-01-02')
SELECT 1 UNION ALL SELECT 'a'
SELECT 1 UNION ALL SELECT true
SELECT DATE'2020-01-01' UNION ALL SELECT '2020-01-02'
CROSS typeof(coalesce(%, %)), typeof(array(%, %)), greatest(%, %) : 1.50, CAST(1 AS DECIMAL(38,0)), CAST(1.5 AS DECIMAL(20,10)), CAST(1.5 AS DECIMAL(38,37)), 1, 5L
SELECT typeof(x) FROM (SELECT 1.50 AS x UNION ALL SELECT CAST(1 AS DECIMAL(38,0)))
SELECT typeof(x), x FROM VALUES (1.50), (CAST(1 AS DECIMAL(38,0))) AS t(x)
TABLE k (i INT, s STRING, dt DATE, ts TIMESTAMP) [["1","'1'","DATE'2024-01-02'","TIMESTAMP'2024-01-02 00:00:00'"],["2","'1.0'","DATE'2024-01-03'","TIMESTAMP'2024-01-03 10:00:00'"]]
SELECT a.dt FROM k a WHERE a.dt IN (SELECT ts FROM k)
SELECT a.ts FROM k a WHERE a.ts IN (SELECT dt FROM k)
SELECT a.i FROM k a WHERE a.i IN (SELECT i + 0.0 FROM k) ORDER BY a.i
SELECT a.i FROM k a WHERE a.i NOT IN (SELECT cast(i AS BIGINT) FROM k WHERE i = 1)
SELECT named_struct('a', 1, 'b', 2) AS s UNION ALL SELECT named_struct('b', 10, 'a', 20)
SELECT struct(1) AS s UNION ALL SELECT named_struct('a', 2)
SELECT named_struct('a', 1, 'b', 2) = named_struct('b', 1, 'a', 2), named_struct('a', 1) = named_struct('b', 1)
SELECT typeof(1 / x), typeof(cast('x' AS INT)), typeof(x) FROM VALUES (0) AS t(x)
