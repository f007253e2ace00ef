-- Values of every two kinds: compared, chosen from, in one list; in a zone far from UTC.
SET spark.sql.session.timeZone = America/Los_Angeles
CROSS (% = %), (% < %) : 1, 1L, 1.5, 1.5D, float('1.5'), '1.51', '2', 'abc', '2024-01-02 03:04:05', true, 'true'
CROSS (% = %), (% >= %) : '2024-01-02', '2024-01-02 03:04:05', DATE'2024-01-02', TIMESTAMP'2024-01-02 03:04:05', TIMESTAMP_NTZ'2024-01-02 00:00:00'
CROSS coalesce(%, %), IF(false, %, %), CASE WHEN false THEN % ELSE % END, array(%, %)[1], greatest(%, %) : 1, 1L, 1.5, 1.5D, float('1.5'), '2'
CROSS coalesce(%, %), IF(true, %, %), CASE WHEN false THEN % ELSE % END, array(%, %)[0], least(%, %) : '2024-01-02', DATE'2024-01-02', TIMESTAMP'2024-01-02 03:04:05', TIMESTAMP_NTZ'2024-01-02 00:00:00'
X'31' = '1', '1' = X'31', X'31' < '2', 1.5 <=> '1.51', 1.5 <=> '1.50', NULL <=> '1', 1 <=> NULL
'1.5' > 0.5, '1.5' > 1, 1.5 = '1.5', '1e0' = 1.0, '1.5' <> 1.5, 0.5 < '1.5', '10' > 9, 10 > '9', ' 7 ' = 7
1.5 IN ('1.51'), 1.5 IN ('1.50', '2'), '2' IN (1, 2), 2 IN ('1', '2'), 1 IN (1.0, 2.5D), DATE'2024-01-02' IN ('2024-01-02'), '1' NOT IN (1, 2)
1.5 BETWEEN '1.4' AND 1.6, '5' BETWEEN 1 AND 10, 5 BETWEEN '1' AND '10', 5 NOT BETWEEN '1' AND '10', '10' BETWEEN '1' AND 9, DATE'2024-01-02' BETWEEN '2024-01-01' AND '2024-01-02 12:00:00'
CASE 1.5 WHEN '1.51' THEN 'a' WHEN '1.50' THEN 'b' END, CASE '2' WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END, CASE 1 WHEN 1.0 THEN 'a' END
nullif(1.5, '1.5'), nullif('2', 2), nullif(2, '3'), nullif(1.5, 1.5D), nullif(DATE'2024-01-02', '2024-01-02'), typeof(nullif(1, 1.5)), typeof(nullif(1, '2'))
typeof(coalesce(1, 1.5D)), typeof(coalesce(1, float('1'))), typeof(coalesce(1L, 1.5)), typeof(array(1, '2')), typeof(map(1, 'a', 2L, 'b')), typeof(if(true, DATE'2024-01-02', TIMESTAMP'2024-01-02 03:04:05'))
length(TIMESTAMP'1996-09-10 10:11:12.4'), length(DATE'1996-09-10'), concat(TIMESTAMP'1996-09-10 10:11:12.4', '!'), upper(TIMESTAMP'1996-09-10 10:11:12')
array_join(array(TIMESTAMP'2016-11-15 20:54:00', TIMESTAMP'2016-11-12 20:54:00.5'), ', '), array_join(array(DATE'2016-11-15'), ', '), array_join(array(1.5D, 2D), ', ')
cast(array(TIMESTAMP'2016-11-15 20:54:00', NULL) AS ARRAY<STRING>), cast(array(TIMESTAMP'2016-11-15 20:54:00') AS ARRAY<DATE>), cast(array('2016-11-15') AS ARRAY<TIMESTAMP>), cast(array(array(DATE'2016-11-15')) AS ARRAY<ARRAY<TIMESTAMP>>)
SELECT * FROM VALUES (0.0), (double('NaN')) AS t(a) ORDER BY a
SELECT a, typeof(a) FROM VALUES (1), (2.5), (3L) AS t(a) ORDER BY a
SELECT a, b, typeof(a), typeof(b) FROM VALUES (1, DATE'2024-01-02'), (float('2.5'), TIMESTAMP'2024-01-02 03:04:05') AS t(a, b) ORDER BY a
SELECT a, typeof(a) FROM VALUES (array(1)), (array(2.5D)), (NULL) AS t(a) ORDER BY a
SELECT x, typeof(x) FROM (SELECT 1 AS x UNION ALL SELECT 2.5D UNION ALL SELECT float('3')) ORDER BY x
SELECT x, typeof(x) FROM (SELECT DATE'2024-01-02' AS x UNION ALL SELECT TIMESTAMP'2024-01-02 03:04:05') ORDER BY x
SELECT x FROM (SELECT TIMESTAMP'2024-01-02 00:00:00' AS x INTERSECT SELECT DATE'2024-01-02')
SELECT x FROM (SELECT TIMESTAMP'2024-01-02 00:00:00' AS x EXCEPT SELECT DATE'2024-01-02')
SELECT l.a, r.b FROM VALUES (1.5), (2.5) AS l(a) JOIN VALUES ('1.50'), ('2.51') AS r(b) ON l.a = r.b
SELECT l.k FROM VALUES (1), (2) AS l(k) JOIN VALUES ('1'), ('3') AS r(k) USING (k)
SELECT a FROM VALUES (DATE'2024-01-02'), (DATE'2024-01-03') AS t(a) WHERE a = TIMESTAMP'2024-01-02 00:00:00'
