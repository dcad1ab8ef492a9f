-- Which object needs which, and what stands for an object that a script does not make by itself.
SELECT 'needs', d.classid::regclass || ':' || d.objid, d.refclassid::regclass || ':' || d.refobjid, NULL, NULL, NULL, NULL, NULL, 0
FROM pg_depend d
WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i')
  -- That a sequence goes with its column says nothing of what comes first: the column's default needs the sequence.
  AND NOT (d.deptype IN ('a', 'i') AND d.refobjsubid <> 0 AND d.classid = 'pg_class'::regclass
    AND EXISTS (SELECT FROM pg_class c WHERE c.oid = d.objid AND c.relkind = 'S'))
GROUP BY 2, 3
UNION ALL
SELECT 'home', 'pg_attrdef:' || e.oid, 'pg_class:' || e.adrelid, NULL, NULL, NULL, NULL, NULL, 0 FROM pg_attrdef e
UNION ALL
SELECT 'home', 'pg_rewrite:' || w.oid, 'pg_class:' || w.ev_class, NULL, NULL, NULL, NULL, NULL, 0
FROM pg_rewrite w WHERE w.rulename = '_RETURN' AND w.oid >= 16384
UNION ALL
SELECT 'home', 'pg_type:' || t.oid, CASE WHEN t.typelem <> 0 THEN 'pg_type:' || t.typelem ELSE 'pg_class:' || t.typrelid END,
  NULL, NULL, NULL, NULL, NULL, 0
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.oid >= 16384 AND (t.typelem <> 0 OR (t.typrelid <> 0 AND c.relkind <> 'c'))
UNION ALL
SELECT 'home', 'pg_class:' || c.oid, 'pg_type:' || c.reltype, NULL, NULL, NULL, NULL, NULL, 0 FROM pg_class c WHERE c.relkind = 'c' AND c.oid >= 16384
UNION ALL
SELECT 'home', 'pg_class:' || k.conindid, 'pg_constraint:' || k.oid, NULL, NULL, NULL, NULL, NULL, 0
FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'x') AND k.oid >= 16384
UNION ALL
SELECT 'server', current_setting('server_version_num'), NULL, NULL, NULL, NULL, NULL, NULL, 0
