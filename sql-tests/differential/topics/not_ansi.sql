SET spark.sql.ansi.enabled = false
TABLE t (k STRING, v INT, l BIGINT, x DOUBLE, c DECIMAL(38,0), s STRING) [["'a'","1","9223372036854775807","1.5","90000000000000000000000000000000000000","'12'"],["'a'","2","10","-1e30","90000000000000000000000000000000000000","'x'"],["'b'","2147483647","1","'NaN'","1","' 7.9 '"]]
SELECT k, sum(l) AS s, sum(c) AS sc, avg(c) AS ac, sum(v) AS sv, sum(x) AS sx FROM t GROUP BY k
SELECT sum(l), avg(l), mean(v) FROM t
SELECT sum(DISTINCT v) AS s, avg(DISTINCT l) AS a FROM t
SELECT sum(s) AS s, avg(s) AS a FROM t
SELECT CAST(s AS INT) AS i, CAST(s AS BIGINT) AS b, CAST(s AS DOUBLE) AS d, CAST(s AS DECIMAL(3,1)) AS c, CAST(s AS TINYINT) AS t, CAST(s AS BOOLEAN) AS o, CAST(s AS DATE) AS dt FROM t
SELECT CAST(x AS INT) AS i, CAST(x AS BIGINT) AS b, CAST(x AS TINYINT) AS t, CAST(x AS SMALLINT) AS sm, CAST(x AS DECIMAL(5,1)) AS c FROM t
SELECT CAST(l AS INT) AS i, CAST(l AS TINYINT) AS t, CAST(v AS SMALLINT) AS sm, CAST(c AS INT) AS ci, CAST(c AS BIGINT) AS cb, CAST(c AS DECIMAL(5,0)) AS cd FROM t
SELECT v + 1 AS a, v * 2 AS b, l + 1 AS c, -l AS d, abs(l) AS e FROM t
SELECT c * 10 AS a, c + c AS b FROM t
SELECT array(1,2)[5], element_at(array(1,2), 5), element_at(map('a',1),'b'), map('a',1)['b'], try_element_at(array(1), 9)
SELECT 1/0, 1%0, CAST('abc' AS TIMESTAMP), CAST('2020-13-01' AS DATE), to_date('x'), int('9999999999'), bigint('1e3'), CAST('0x10' AS INT), CAST('' AS INT), CAST(' true ' AS BOOLEAN), CAST('1.5' AS BIGINT), CAST('-.5' AS INT)
SELECT CAST(128 AS TINYINT), CAST(-129 AS TINYINT), CAST(65536 AS SMALLINT), CAST(4294967296L AS INT), CAST(3.99 AS INT), CAST(-3.99 AS INT), CAST(1e10D AS SMALLINT), CAST(double('-Infinity') AS BIGINT), CAST(true AS DECIMAL(1,1)), CAST(99999999999 AS DECIMAL(5,0))
SELECT CAST(x AS STRING) AS s, CAST(l AS DOUBLE) AS d, CAST(v AS BOOLEAN) AS b FROM t
SELECT coalesce(CAST('x' AS INT), 5), CASE WHEN CAST('x' AS INT) IS NULL THEN 'null' END AS r
conv('9223372036854775807', 36, 10), conv('-9223372036854775807', 36, 10), conv('1000000000000000000000', 10, 16), conv('-1', 10, 16), conv('18446744073709551616', 10, 10), conv('-18446744073709551616', 10, 10), conv('-18446744073709551616', 10, -10), conv('-15', 10, -16), conv('18446744073709551615', 10, -10), conv('-9223372036854775808', 10, 16)
array_size(NULL), array_size(cast(NULL AS ARRAY<INT>)), array_size(array(1))
ceil(1e30D), floor(-1e30D), ceil(double('NaN')), floor(double('Infinity'))
