-- Every pair of numbers of different types under every operator.
CROSS % + %, % - %, % * %, % / % : 1, 2L, -3S, CAST(100 AS TINYINT), 2.5, 1.25D, CAST(0.5 AS FLOAT), NULL
CROSS % div %, mod(%, %), pmod(%, %) : 7, -7, 2L, 2.5, CAST(3 AS SMALLINT), 0
CROSS % + %, % - %, % * % : 2147483647, -2147483648, 9223372036854775807L, 1
CROSS % / %, mod(%, %) : 1, 0, 0.0, 0D, NULL
-(-2147483648), -CAST(-128 AS TINYINT), abs(-2147483648), abs(CAST(-128 AS TINYINT)), -CAST(-9223372036854775808 AS BIGINT), CAST(127 AS TINYINT) + CAST(1 AS TINYINT), CAST(32767 AS SMALLINT) * CAST(2 AS SMALLINT)
try_add(2147483647, 1), try_subtract(-2147483648, 1), try_multiply(2147483647, 2), try_divide(1, 0), try_divide(6, 4), try_mod(5, 0), try_add(1, 2), try_divide(1.5, 0), try_add(9223372036854775807L, 1L)
1/3, 1.0/3, 10/4, 1e0/3, 2/3.0, 1 div 0, 5 % 0, 5.5 % 2, -5 % 3, 5.0D % 0, 1.0D/0.0D
0.1 + 0.2, 0.1D + 0.2D, 1e308D * 10, -1e308D * 10, double('NaN') + 1, double('Infinity') - double('Infinity'), 1.5 * 2.25, 99999999999999999999 + 1, 3000000000 + 1, 2147483648, -2147483649, 1e10, 1.5e3, 1.5BD, 10BD, 1F, 1.5F
greatest(1, 2.5), least(1L, 2), coalesce(1, 2.5), if(true, 1, 2L), nullif(1, 1.0), 1 = 1.0, 1 = '1', '2' > 1, 1 < 2.5D, 'a' = 'A'
