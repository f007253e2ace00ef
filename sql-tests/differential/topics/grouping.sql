TABLE ab (a INT, b INT) [["1","2"],["1","20"],["2","5"],["3","30"]]
SELECT sum(a) AS b FROM ab GROUP BY b HAVING b > 10
SELECT sum(a) AS b FROM ab GROUP BY b HAVING b > 1
SELECT b AS x, sum(a) AS b FROM ab GROUP BY b HAVING b > 10
SELECT sum(a) AS s, b FROM ab GROUP BY b HAVING s > 1
SELECT a + 1 AS b, count(*) AS c FROM ab GROUP BY a HAVING b > 2
SELECT a AS b, count(*) AS c FROM ab GROUP BY a HAVING b > 2
SELECT a AS b, count(*) AS c FROM ab GROUP BY a HAVING sum(b) > 20
SELECT a AS b, count(*) AS c FROM ab GROUP BY a HAVING max(c) > 20
SELECT a + b AS a, count(*) FROM ab GROUP BY a + b HAVING a > 6
SELECT a + b AS a, count(*) FROM ab GROUP BY a, b HAVING a > 2
SELECT sum(a) AS b FROM ab GROUP BY CUBE(b) HAVING b > 10
SELECT sum(a) AS b FROM ab GROUP BY ROLLUP(b) HAVING b > 10
SELECT sum(a) AS b FROM ab GROUP BY GROUPING SETS ((b),()) HAVING b > 10
SELECT sum(a) AS b FROM ab GROUP BY b WITH ROLLUP HAVING b > 10
SELECT sum(a) AS b FROM ab GROUP BY b GROUPING SETS ((b),()) HAVING b > 1
SELECT b AS y, sum(a) AS b FROM ab GROUP BY ROLLUP(b) HAVING b IS NULL
SELECT b AS y, sum(a) AS s FROM ab GROUP BY ROLLUP(y) HAVING y IS NULL
SELECT b AS y, sum(a) AS s FROM ab GROUP BY CUBE(y) HAVING s > 1 ORDER BY s
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY GROUPING SETS ((1,2),(1),()) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY ROLLUP(1,2) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY CUBE(1,2) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY 1, 2 WITH CUBE ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY 1, 2 GROUPING SETS ((1,2),(2)) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY 1, GROUPING SETS ((2),()) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY 1, ROLLUP(2) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY ROLLUP(1), CUBE(2) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY ROLLUP((1,2)) ORDER BY 1,2
SELECT a AS y, sum(a) AS s FROM ab GROUP BY ROLLUP(3)
SELECT a AS y, sum(a) AS s FROM ab GROUP BY ROLLUP(2)
SELECT a AS y, sum(a) AS s FROM ab GROUP BY 2
SELECT a AS y, sum(a) AS s FROM ab GROUP BY 0
SELECT a AS y, sum(a) AS s FROM ab GROUP BY -1
SELECT a AS y, grouping(1), sum(a) AS s FROM ab GROUP BY ROLLUP(1)
SELECT a AS y, grouping(a), grouping_id(), sum(a) AS s FROM ab GROUP BY ROLLUP(1) ORDER BY 1
SELECT a, b, count(*) FROM ab GROUP BY a, GROUPING SETS ((b), ()) ORDER BY a, b
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY GROUPING SETS (1, 2) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY GROUPING SETS (ROLLUP(1, 2)) ORDER BY 1,2
SELECT a + 1 AS a, count(*) AS c FROM ab GROUP BY a ORDER BY a
SELECT a + 1 AS a, count(*) AS c FROM ab GROUP BY a ORDER BY -a
SELECT -a AS a, b FROM ab ORDER BY a, b
SELECT -a AS z, b FROM ab ORDER BY a, b
SELECT -a AS a, b FROM ab ORDER BY a + 0, b
SELECT sum(a) AS a FROM ab GROUP BY b ORDER BY a
SELECT sum(a) AS s FROM ab GROUP BY b ORDER BY s, b
SELECT sum(a) AS s FROM ab GROUP BY b ORDER BY sum(a), b
SELECT sum(a) AS b FROM ab GROUP BY b ORDER BY b
SELECT sum(a) AS b FROM ab GROUP BY b ORDER BY max(b)
SELECT a AS b, count(*) FROM ab GROUP BY b ORDER BY 1
SELECT a % 2 AS m, count(*) FROM ab GROUP BY m ORDER BY m
SELECT a % 2 AS m, count(*) FROM ab GROUP BY m + 1 ORDER BY m
SELECT a % 2 AS m, count(*) FROM ab GROUP BY m, a ORDER BY m
SELECT sum(a) AS s FROM ab GROUP BY s
SELECT a AS m, b AS m, count(*) FROM ab GROUP BY m
SELECT a x, b x FROM ab ORDER BY x
SELECT a x, a x FROM ab ORDER BY x
SELECT 1 AS one, count(*) AS c FROM ab HAVING one = 1
SELECT count(*) AS c FROM ab HAVING c > 10
SELECT a AS c, (SELECT max(b) FROM ab AS i WHERE i.a = c) FROM ab
SELECT count(*) AS c FROM ab GROUP BY a HAVING c = (SELECT max(z) FROM VALUES (2) AS i(z))
SELECT count(*) AS c FROM ab GROUP BY a HAVING EXISTS (SELECT 1 FROM VALUES (2) AS i(z) WHERE z = a)
SELECT a AS k, count(*) AS c FROM ab GROUP BY ALL HAVING k > 1 ORDER BY ALL
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY GROUPING SETS (CUBE(1, 2)) ORDER BY 1,2
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY GROUPING SETS (ROLLUP(a, b), (b)) ORDER BY 1,2,3
SELECT a AS y, b AS z, sum(a) AS s FROM ab GROUP BY CUBE((1,2)) ORDER BY 1,2
SELECT a, max(b) AS a FROM ab GROUP BY a HAVING a > 1
SELECT max(b) AS a, count(*) FROM ab GROUP BY ROLLUP(a) HAVING a > 1
SELECT a + 1 AS b, count(*) FROM ab GROUP BY a, b HAVING b > 10
SELECT count(*) AS a FROM ab HAVING a > 2
SELECT b AS c FROM ab GROUP BY 1 HAVING b > 10 AND c > 10
