TABLE ab (a INT, b INT) [["1","2"],["1","20"],["2","5"],["3","30"]]
SELECT 1 FROM (SELECT 1 AS z, MIN(a) FROM ab WHERE false) b WHERE b.z <> b.z
SELECT * FROM (SELECT 1 AS z, count(*) AS n FROM ab) q WHERE z = 2
SELECT * FROM (SELECT 1 AS z, count(*) AS n FROM ab WHERE a > 9) q WHERE z = 1
SELECT n FROM (SELECT count(*) AS n FROM ab) q WHERE 1 > 2
SELECT count(*) FROM ab HAVING 1 > 2
SELECT count(*) FROM ab HAVING NULL
SELECT max(a) FROM ab HAVING false
SELECT * FROM (SELECT 1 AS z, a, sum(b) AS s FROM ab GROUP BY ROLLUP(a)) q WHERE z <> 1
SELECT * FROM (SELECT a, sum(b) AS s FROM ab GROUP BY ROLLUP(a)) q WHERE a = 1
SELECT * FROM (SELECT a, sum(b) AS s FROM ab GROUP BY CUBE(a)) q WHERE a IS NULL
SELECT * FROM (SELECT a, b, count(*) AS n FROM ab GROUP BY GROUPING SETS ((a), (b))) q WHERE a = 1
SELECT sum(b) FROM ab WHERE a > 9 GROUP BY ROLLUP(a)
SELECT sum(b) FROM ab WHERE a > 9 GROUP BY GROUPING SETS ((a), ())
SELECT count(*) FROM ab WHERE a > 9 GROUP BY 'x'
SELECT 'x' AS c, count(*) FROM ab WHERE a > 9 GROUP BY c
SELECT (SELECT count(*) FROM ab i WHERE i.a = o.b) AS n FROM ab o
SELECT a FROM ab WHERE EXISTS (SELECT max(a) FROM ab WHERE a > 9)
SELECT a FROM ab o WHERE EXISTS (SELECT 1 FROM (SELECT 1 AS z, max(a) FROM ab) q WHERE z = 2)
SELECT count(*) FROM (SELECT DISTINCT 1 AS z FROM ab) q WHERE z = 2
SELECT count(*) FROM (SELECT 1 AS z, count(*) AS n FROM ab UNION ALL SELECT 2, count(*) FROM ab) q WHERE z = 2
SELECT count(*) FROM (SELECT a, row_number() OVER (ORDER BY a) AS n, 1 AS z FROM ab) q WHERE z = 2
