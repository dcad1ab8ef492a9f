SELECT 'sequence', r.name, NULL, 'pg_class:' || r.oid, 'SEQUENCE ' || r.name,
  CASE r.relpersistence WHEN 'u' THEN 'CREATE UNLOGGED SEQUENCE ' ELSE 'CREATE SEQUENCE ' END || r.name
    || CASE q.seqtypid WHEN 'int8'::regtype THEN '' ELSE ' AS ' || format_type(q.seqtypid, NULL) END || {sequence},
  NULL, obj_description(r.oid, 'pg_class'), 0
FROM relation r JOIN pg_sequence q ON q.seqrelid = r.oid
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'i')
UNION ALL
SELECT 'setting', 'owner', r.name, NULL, NULL,
  'ALTER SEQUENCE ' || r.name || ' OWNED BY ' || t.name || '.' || quote_ident(a.attname), NULL, NULL, 0
FROM relation r
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
  JOIN relation t ON t.oid = d.refobjid JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE r.relkind = 'S'
