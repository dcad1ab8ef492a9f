-- What all parts of the question look at: schemas and relations of the user, without what extensions brought and without
-- the tables of the bookkeeping. Everything the parts leave unqualified is in pg_catalog: search_path is empty.
WITH member AS MATERIALIZED (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), space AS MATERIALIZED (
  SELECT n.oid, n.nspname, quote_ident(n.nspname) AS name, n.nspacl, n.nspowner FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND (n.oid) NOT IN (SELECT objid FROM member WHERE classid = 'pg_namespace'::regclass)
), place AS MATERIALIZED (
  -- An extension may have its schema to itself and ours may hold objects all the same.
  SELECT n.oid, quote_ident(n.nspname) AS name, n.nspname FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), ledger AS MATERIALIZED (
  SELECT c.oid FROM pg_class c JOIN place p ON p.oid = c.relnamespace WHERE {bookkeeping}
), relation AS MATERIALIZED (
  SELECT c.oid, c.relkind, c.relname, c.relnamespace, c.relowner, c.relacl, c.relpersistence, c.reloptions, c.relam,
    c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.relispopulated, c.relpartbound,
    c.reloftype, c.reltoastrelid, p.name || '.' || quote_ident(c.relname) AS name
  FROM pg_class c JOIN place p ON p.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'i', 'I') AND c.relpersistence <> 't'
    AND c.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_class'::regclass)
    AND c.oid NOT IN (SELECT oid FROM ledger)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjid IN (SELECT oid FROM ledger))
    AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND i.indrelid IN (
      SELECT oid FROM ledger UNION ALL SELECT objid FROM member WHERE classid = 'pg_class'::regclass))
), routine AS MATERIALIZED (
  SELECT f.*, p.name || '.' || quote_ident(f.proname) AS short,
    p.name || '.' || quote_ident(f.proname) || '(' || pg_get_function_identity_arguments(f.oid) || ')' AS name,
    CASE f.prokind WHEN 'p' THEN 'PROCEDURE ' WHEN 'a' THEN 'AGGREGATE ' ELSE 'FUNCTION ' END AS word
  FROM pg_proc f JOIN place p ON p.oid = f.pronamespace
  WHERE f.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass)
    -- What a range type brings along.
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'i')
), kind AS MATERIALIZED (
  SELECT t.*, p.name || '.' || quote_ident(t.typname) AS name FROM pg_type t JOIN place p ON p.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r', 'c', 'b') AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1)
    AND (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_class c WHERE c.oid = t.typrelid))
    AND t.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_type'::regclass)
)
