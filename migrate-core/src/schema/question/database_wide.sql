SELECT 'publication', quote_ident(p.pubname), NULL, 'pg_publication:' || p.oid, 'PUBLICATION ' || quote_ident(p.pubname),
  'CREATE PUBLICATION ' || quote_ident(p.pubname) || CASE WHEN p.puballtables THEN ' FOR ALL TABLES' ELSE coalesce(' FOR TABLE ' || (
      SELECT string_agg(format('ONLY %s', m.prrelid::regclass) || coalesce(' (' || (
          SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
          WHERE a.attrelid = m.prrelid AND to_jsonb(m) -> 'prattrs' @> to_jsonb(a.attnum)) || ')', '')
        || coalesce(' WHERE (' || (SELECT to_jsonb(t) ->> 'rowfilter' FROM pg_publication_tables t JOIN pg_class c ON c.oid = m.prrelid
          WHERE t.pubname = p.pubname AND t.tablename = c.relname AND t.schemaname = (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace)) || ')', ''),
        ', ' ORDER BY m.prrelid::regclass::text COLLATE "C")
      FROM pg_publication_rel m WHERE m.prpubid = p.oid), '') END
    || ' WITH (publish = ' || quote_literal(concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
      CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END))
    || CASE WHEN to_jsonb(p) ->> 'pubviaroot' = 'true' THEN ', publish_via_partition_root = true' ELSE '' END || ')',
  NULL, obj_description(p.oid, 'pg_publication'), 0
FROM pg_publication p
WHERE p.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_publication'::regclass)
UNION ALL
SELECT 'event trigger', quote_ident(e.evtname), NULL, 'pg_event_trigger:' || e.oid, 'EVENT TRIGGER ' || quote_ident(e.evtname),
  'CREATE EVENT TRIGGER ' || quote_ident(e.evtname) || ' ON ' || quote_ident(e.evtevent)
    || coalesce(' WHEN TAG IN (' || (SELECT string_agg(quote_literal(g.tag), ', ' ORDER BY g.tag) FROM unnest(e.evttags) AS g (tag)) || ')', '')
    || ' EXECUTE FUNCTION ' || e.evtfoid::regproc::text || '()',
  NULL, obj_description(e.oid, 'pg_event_trigger'), 0
FROM pg_event_trigger e
WHERE e.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_event_trigger'::regclass)
UNION ALL
SELECT 'setting', 'state', quote_ident(e.evtname), NULL, NULL,
  'ALTER EVENT TRIGGER ' || quote_ident(e.evtname) || CASE e.evtenabled WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA' ELSE ' ENABLE ALWAYS' END,
  NULL, NULL, 0
FROM pg_event_trigger e WHERE e.evtenabled <> 'O'
UNION ALL
SELECT 'other', i.type || ' ' || i.identity, NULL, NULL, NULL, i.type || ' ' || i.identity, NULL, NULL, 0
FROM (
  SELECT 'pg_operator'::regclass AS class, o.oid, o.oprnamespace AS within FROM pg_operator o
  UNION ALL SELECT 'pg_collation'::regclass, o.oid, o.collnamespace FROM pg_collation o
  UNION ALL SELECT 'pg_conversion'::regclass, o.oid, o.connamespace FROM pg_conversion o
  UNION ALL SELECT 'pg_opclass'::regclass, o.oid, o.opcnamespace FROM pg_opclass o
  UNION ALL SELECT 'pg_opfamily'::regclass, o.oid, o.opfnamespace FROM pg_opfamily o
  UNION ALL SELECT 'pg_ts_config'::regclass, o.oid, o.cfgnamespace FROM pg_ts_config o
  UNION ALL SELECT 'pg_ts_dict'::regclass, o.oid, o.dictnamespace FROM pg_ts_dict o
  UNION ALL SELECT 'pg_ts_parser'::regclass, o.oid, o.prsnamespace FROM pg_ts_parser o
  UNION ALL SELECT 'pg_ts_template'::regclass, o.oid, o.tmplnamespace FROM pg_ts_template o
  UNION ALL SELECT 'pg_cast'::regclass, o.oid, NULL FROM pg_cast o WHERE o.oid >= 16384
  UNION ALL SELECT 'pg_language'::regclass, o.oid, NULL FROM pg_language o WHERE o.oid >= 16384
  UNION ALL SELECT 'pg_am'::regclass, o.oid, NULL FROM pg_am o WHERE o.oid >= 16384
) AS o, LATERAL pg_identify_object(o.class, o.oid, 0) AS i
WHERE (o.within IS NULL OR o.within IN (SELECT oid FROM place))
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = o.class AND m.objid = o.oid)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'i')
