SELECT 'view', r.name, NULL, 'pg_class:' || r.oid, 'VIEW ' || r.name,
  'CREATE VIEW ' || r.name || {reloptions:r.reloptions} || E' AS\n' || rtrim(pg_get_viewdef(r.oid), ';'),
  NULL, obj_description(r.oid, 'pg_class'), 0
FROM relation r WHERE r.relkind = 'v'
UNION ALL
SELECT 'materialized view', r.name, NULL, 'pg_class:' || r.oid, 'MATERIALIZED VIEW ' || r.name,
  'CREATE MATERIALIZED VIEW ' || r.name
    || coalesce((SELECT ' USING ' || quote_ident(m.amname) FROM pg_am m WHERE m.oid = r.relam AND m.amname <> 'heap'), '')
    || {reloptions:r.reloptions} || E' AS\n' || rtrim(pg_get_viewdef(r.oid), ';')
    || CASE WHEN r.relispopulated THEN '' ELSE E'\n  WITH NO DATA' END,
  NULL, obj_description(r.oid, 'pg_class'), 0
FROM relation r WHERE r.relkind = 'm'
UNION ALL
SELECT 'view column', quote_ident(a.attname), r.name, NULL, 'COLUMN ' || r.name || '.' || quote_ident(a.attname), NULL, NULL,
  col_description(r.oid, a.attnum), a.attnum
FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE r.relkind IN ('v', 'm') AND col_description(r.oid, a.attnum) IS NOT NULL
UNION ALL
SELECT 'view column', quote_ident(a.attname), t.name, NULL, 'COLUMN ' || t.name || '.' || quote_ident(a.attname), NULL, NULL,
  col_description(t.typrelid, a.attnum), a.attnum
FROM kind t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE t.typtype = 'c' AND col_description(t.typrelid, a.attnum) IS NOT NULL
