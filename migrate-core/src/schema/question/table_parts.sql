SELECT 'constraint', quote_ident(k.conname), r.name, 'pg_constraint:' || k.oid,
  'CONSTRAINT ' || quote_ident(k.conname) || ' ON ' || r.name,
  CASE WHEN k.contype IN ('p', 'u', 'x', 'c') AND k.convalidated
    THEN '' ELSE 'ALTER TABLE ' || CASE WHEN r.relkind = 'p' OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = r.oid) THEN '' ELSE 'ONLY ' END
      || r.name || ' ADD ' END
    || 'CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid),
  nullif(k.confrelid, 0)::regclass::text, obj_description(k.oid, 'pg_constraint'), 0
FROM pg_constraint k JOIN relation r ON r.oid = k.conrelid
WHERE (k.contype IN ('p', 'u', 'x') OR (k.contype = 'c' AND (k.conislocal OR r.relispartition))
    OR (k.contype = 'f' AND k.conparentid = 0)
    OR (k.contype = 'n' AND NOT k.convalidated AND k.conislocal))
UNION ALL
SELECT 'index', quote_ident(i.relname), r.name, 'pg_class:' || i.oid, 'INDEX ' || i.name,
  pg_get_indexdef(i.oid) || CASE WHEN x.indisvalid THEN '' ELSE ' /* INVALID */' END,
  NULL, obj_description(i.oid, 'pg_class'), 0
FROM relation i JOIN pg_index x ON x.indexrelid = i.oid JOIN relation r ON r.oid = x.indrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', quote_ident(t.tgname), r.name, 'pg_trigger:' || t.oid, 'TRIGGER ' || quote_ident(t.tgname) || ' ON ' || r.name,
  pg_get_triggerdef(t.oid), NULL, obj_description(t.oid, 'pg_trigger'), 0
FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal AND coalesce(to_jsonb(t) ->> 'tgparentid', '0') = '0'
UNION ALL
SELECT 'setting', 'state of trigger ' || quote_ident(t.tgname), r.name, NULL, NULL,
  'ALTER TABLE ' || r.name || {state:t.tgenabled} || 'TRIGGER ' || quote_ident(t.tgname), NULL, NULL, 0
FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled <> 'O'
UNION ALL
SELECT 'rule', quote_ident(w.rulename), r.name, 'pg_rewrite:' || w.oid, 'RULE ' || quote_ident(w.rulename) || ' ON ' || r.name,
  rtrim(pg_get_ruledef(w.oid), ';'), NULL, obj_description(w.oid, 'pg_rewrite'), 0
FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT 'setting', 'state of rule ' || quote_ident(w.rulename), r.name, NULL, NULL,
  'ALTER TABLE ' || r.name || {state:w.ev_enabled} || 'RULE ' || quote_ident(w.rulename), NULL, NULL, 0
FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN' AND w.ev_enabled <> 'O'
UNION ALL
SELECT 'policy', quote_ident(p.polname), r.name, 'pg_policy:' || p.oid, 'POLICY ' || quote_ident(p.polname) || ' ON ' || r.name,
  'CREATE POLICY ' || quote_ident(p.polname) || ' ON ' || r.name || CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END
    || CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE' WHEN 'd' THEN ' FOR DELETE' ELSE '' END
    || CASE WHEN p.polroles = '{0}' THEN '' ELSE ' TO ' || (
      SELECT string_agg(CASE m.oid WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(m.oid)) END, ', ' ORDER BY pg_get_userbyid(m.oid))
      FROM unnest(p.polroles) AS m (oid)) END
    || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
  NULL, obj_description(p.oid, 'pg_policy'), 0
FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
UNION ALL
SELECT 'setting', what, r.name, NULL, NULL, 'ALTER TABLE ONLY ' || r.name || ' ' || change, NULL, NULL, 0
FROM relation r, LATERAL (
  SELECT 'row-level security', 'ENABLE ROW LEVEL SECURITY' WHERE r.relrowsecurity
  UNION ALL
  SELECT 'row-level security of the owner', 'FORCE ROW LEVEL SECURITY' WHERE r.relforcerowsecurity
  UNION ALL
  SELECT 'composite type', 'OF ' || r.reloftype::regtype::text WHERE r.reloftype <> 0
  UNION ALL
  SELECT 'storage of its TOAST table', 'SET (' || (SELECT string_agg('toast.' || o, ', ') FROM unnest(t.reloptions) AS o) || ')'
  FROM pg_class t WHERE t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL
  UNION ALL
  SELECT 'replica identity', 'REPLICA IDENTITY ' || CASE r.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE coalesce(
      (SELECT 'USING INDEX ' || quote_ident(c.relname) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
       WHERE x.indrelid = r.oid AND x.indisreplident), 'NOTHING') END
  WHERE r.relreplident <> 'd' AND r.relkind <> 'f'
  UNION ALL
  SELECT 'cluster', 'CLUSTER ON ' || quote_ident(c.relname) FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
  WHERE x.indrelid = r.oid AND x.indisclustered
) AS it (what, change)
WHERE r.relkind IN ('r', 'p', 'f', 'm')
UNION ALL
SELECT 'setting', what || ' of index ' || quote_ident(i.relname), r.name, NULL, NULL, 'ALTER INDEX ' || i.name || ' ' || change, NULL, NULL, 0
FROM relation i JOIN pg_index x ON x.indexrelid = i.oid JOIN relation r ON r.oid = x.indrelid, LATERAL (
  -- Of an index that is no constraint's, its definition has them.
  SELECT 'storage', 'SET (' || array_to_string(i.reloptions, ', ') || ')' WHERE i.reloptions IS NOT NULL
    AND EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
  UNION ALL
  SELECT 'statistics of column ' || a.attnum, 'ALTER COLUMN ' || a.attnum || ' SET STATISTICS ' || a.attstattarget
  FROM pg_attribute a WHERE a.attrelid = i.oid AND coalesce(a.attstattarget, -1) >= 0
) AS it (what, change)
UNION ALL
SELECT 'setting', 'target of statistics ' || quote_ident(s.stxname), r.name, NULL, NULL,
  'ALTER STATISTICS ' || n.name || '.' || quote_ident(s.stxname) || ' SET STATISTICS ' || (to_jsonb(s) ->> 'stxstattarget'), NULL, NULL, 0
FROM pg_statistic_ext s JOIN place n ON n.oid = s.stxnamespace JOIN relation r ON r.oid = s.stxrelid
WHERE coalesce(to_jsonb(s) ->> 'stxstattarget', '-1')::int >= 0
UNION ALL
SELECT 'statistics', n.name || '.' || quote_ident(s.stxname), r.name, 'pg_statistic_ext:' || s.oid,
  'STATISTICS ' || n.name || '.' || quote_ident(s.stxname), pg_get_statisticsobjdef(s.oid), NULL,
  obj_description(s.oid, 'pg_statistic_ext'), 0
FROM pg_statistic_ext s JOIN place n ON n.oid = s.stxnamespace JOIN relation r ON r.oid = s.stxrelid
