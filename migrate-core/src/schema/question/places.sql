SELECT 'schema', s.name, NULL, 'pg_namespace:' || s.oid, 'SCHEMA ' || s.name,
  CASE s.nspname WHEN 'public' THEN 'CREATE SCHEMA IF NOT EXISTS ' ELSE 'CREATE SCHEMA ' END || s.name,
  NULL, nullif(obj_description(s.oid, 'pg_namespace'), 'standard public schema'), 0
FROM space s
UNION ALL
SELECT 'extension', quote_ident(e.extname), NULL, 'pg_extension:' || e.oid, 'EXTENSION ' || quote_ident(e.extname),
  'CREATE EXTENSION IF NOT EXISTS ' || quote_ident(e.extname)
    || coalesce(' WITH SCHEMA ' || (SELECT p.name FROM place p WHERE p.oid = e.extnamespace), ''),
  NULL, NULL, 0
FROM pg_extension e WHERE e.extname <> 'plpgsql'
UNION ALL
SELECT 'foreign server', quote_ident(w.fdwname), NULL, 'pg_foreign_data_wrapper:' || w.oid,
  'FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname),
  'CREATE FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname)
    || coalesce(' HANDLER ' || nullif(w.fdwhandler::regproc::text, '-'), '')
    || coalesce(' VALIDATOR ' || nullif(w.fdwvalidator::regproc::text, '-'), '') || {options:w.fdwoptions},
  NULL, obj_description(w.oid, 'pg_foreign_data_wrapper'), 0
FROM pg_foreign_data_wrapper w
WHERE w.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_foreign_data_wrapper'::regclass)
UNION ALL
SELECT 'foreign server', quote_ident(s.srvname), NULL, 'pg_foreign_server:' || s.oid, 'SERVER ' || quote_ident(s.srvname),
  'CREATE SERVER ' || quote_ident(s.srvname) || coalesce(' TYPE ' || quote_literal(s.srvtype), '')
    || coalesce(' VERSION ' || quote_literal(s.srvversion), '') || ' FOREIGN DATA WRAPPER ' || quote_ident(w.fdwname)
    || {options:s.srvoptions},
  NULL, obj_description(s.oid, 'pg_foreign_server'), 0
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE s.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_foreign_server'::regclass)
