SELECT 'type', t.name, NULL, 'pg_type:' || t.oid, CASE t.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || t.name,
  CASE t.typtype
    WHEN 'e' THEN 'CREATE TYPE ' || t.name || ' AS ENUM (' || coalesce((
      SELECT E'\n    ' || string_agg(quote_literal(e.enumlabel), E',\n    ' ORDER BY e.enumsortorder) || E'\n'
      FROM pg_enum e WHERE e.enumtypid = t.oid), '') || ')'
    WHEN 'c' THEN 'CREATE TYPE ' || t.name || ' AS (' || coalesce((
      SELECT E'\n    ' || string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
        || {collation:a.attcollation:a.atttypid}, E',\n    ' ORDER BY a.attnum) || E'\n'
      FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'
    WHEN 'd' THEN 'CREATE DOMAIN ' || t.name || ' AS ' || format_type(t.typbasetype, t.typtypmod)
      || {collation:t.typcollation:t.typbasetype}
      || coalesce(' DEFAULT ' || pg_get_expr(t.typdefaultbin, 0), '') || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
    WHEN 'r' THEN (
      SELECT 'CREATE TYPE ' || t.name || ' AS RANGE (SUBTYPE = ' || format_type(r.rngsubtype, NULL)
        || CASE WHEN o.opcdefault THEN '' ELSE ', SUBTYPE_OPCLASS = ' || quote_ident(n.nspname) || '.' || quote_ident(o.opcname) END
        || CASE WHEN r.rngcollation IN (0, s.typcollation) THEN '' ELSE ', COLLATION = ' || r.rngcollation::regcollation::text END
        || coalesce(', CANONICAL = ' || nullif(r.rngcanonical::regproc::text, '-'), '')
        || coalesce(', SUBTYPE_DIFF = ' || nullif(r.rngsubdiff::regproc::text, '-'), '') || ')'
      FROM pg_range r JOIN pg_type s ON s.oid = r.rngsubtype JOIN pg_opclass o ON o.oid = r.rngsubopc
        JOIN pg_namespace n ON n.oid = o.opcnamespace
      WHERE r.rngtypid = t.oid)
  END,
  NULL, coalesce(obj_description(t.oid, 'pg_type'), obj_description(nullif(t.typrelid, 0), 'pg_class')), 0
FROM kind t WHERE t.typtype <> 'b'
UNION ALL
SELECT 'constraint', quote_ident(k.conname), t.name, 'pg_constraint:' || k.oid,
  'CONSTRAINT ' || quote_ident(k.conname) || ' ON DOMAIN ' || t.name,
  'ALTER DOMAIN ' || t.name || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid),
  NULL, obj_description(k.oid, 'pg_constraint'), 0
FROM pg_constraint k JOIN kind t ON t.oid = k.contypid WHERE k.contype = 'c'
UNION ALL
SELECT 'other', 'type ' || t.name, NULL, 'pg_type:' || t.oid, NULL, 'type ' || t.name, NULL, NULL, 0
FROM kind t WHERE t.typtype = 'b' AND t.typisdefined
