if(true,1,2), if(NULL,1,2), nvl(NULL,1), nvl2(NULL,1,2), ifnull(1,2), nullif(1,1), nullif(1,2), coalesce(NULL,NULL,3), zeroifnull(NULL), nullifzero(0), greatest(1,NULL,3), least(1,NULL), greatest('a','b'), isnull(NULL), isnotnull(1), isnan(double('NaN')), isnan(NULL), nanvl(double('NaN'),1D), equal_null(NULL,NULL), equal_null(1,NULL), if(true,1,2.5), decode(2,1,'a',2,'b'), decode(5,1,'a','z'), decode(NULL,NULL,'n'), iff(true,1,2)
typeof(rand()), version() IS NOT NULL, current_user() IS NOT NULL, assert_true(true), uniform(1,2,0)
raise_error('boom')
assert_true(false)
