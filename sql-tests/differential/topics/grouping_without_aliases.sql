SET spark.sql.groupByAliases = false
TABLE ab (a INT, b INT) [["1","2"],["1","20"],["2","5"],["3","30"]]
SELECT a % 2 AS m, count(*) FROM ab GROUP BY m
SELECT a AS b, count(*) FROM ab GROUP BY b
SELECT a % 2 AS m, count(*) FROM ab GROUP BY ROLLUP(m)
SELECT a AS m, count(*) FROM ab GROUP BY a ORDER BY m
SELECT a % 2 AS m, count(*) FROM ab GROUP BY 1
SELECT a AS m, count(*) FROM ab GROUP BY a HAVING m > 1
