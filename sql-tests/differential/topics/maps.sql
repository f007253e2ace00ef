map('a',1)['b'], array(1,'a'), array(), array(NULL), array(1,2L,3.5), array(1,NULL)
map('a',1,'b',2), map(), map_keys(map('a',1)), map_values(map('a',1)), map_entries(map('a',1)), map_concat(map('a',1),map('b',2)), map_from_arrays(array(1,2),array('a','b')), map_from_entries(array(struct(1,'a'))), map_contains_key(map('a',1),'a'), map_contains_key(map('a',1),'c')
map_concat(map('a',1),map('a',2))
map('a',1,'a',2)
map(NULL,1)
struct(1,'a'), named_struct('x',1,'y','b'), struct(1 AS a, 2 AS b), (1,2), named_struct('a',NULL)
map(1, 'a')[1L], map(1L, 'a')[1], map('1', 'a')['1'], map('1', 'a')[1], map(1, 'a')[2], map(1, 'a')[NULL], element_at(map(1, 'a'), 1L), map(DATE'2024-01-02', 1)['2024-01-02'], map(1.50, 'a')[1.5]
SELECT m['k'], m[k] FROM VALUES (map('k', 1, 'j', 2), 'j'), (NULL, 'k') AS t(m, k) ORDER BY 1
