SET spark.sql.ansi.enabled = false
CROSS % + %, % - %, % * % : 2147483647, -2147483648, 9223372036854775807L, 1
CROSS % / %, mod(%, %), % div % : 1, 0, 0.0, 0D
-(-2147483648), abs(-2147483648), CAST(127 AS TINYINT) + CAST(1 AS TINYINT), array(1, 2)[5], element_at(array(1, 2), 5), map('a', 1)['b'], CAST('a' AS INT), CAST(300 AS TINYINT), CAST(1e20D AS INT), 'a' + 1, '1' + 1, CAST('2020-13-01' AS DATE), 99999999999999999999999999999999999999 * 10, CAST(double('NaN') AS INT)
