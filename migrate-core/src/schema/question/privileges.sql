SELECT 'privilege', p.name, p.parent, NULL, NULL, p.definition, NULL, NULL, 0
FROM (
  SELECT o.parent, o.part || CASE WHEN g.granted THEN 'of ' ELSE 'without that of ' END || g.role
      || CASE WHEN g.grantable THEN ' with grant option' ELSE '' END AS name,
    CASE WHEN g.granted THEN 'GRANT ' ELSE 'REVOKE ' END
      || CASE WHEN g.held = w.all_held AND w.all_held > 1 THEN 'ALL' || o.columns ELSE g.words END || ' ON ' || o.target
      || CASE WHEN g.granted THEN ' TO ' ELSE ' FROM ' END || g.role
      || CASE WHEN g.grantable AND g.granted THEN ' WITH GRANT OPTION' ELSE '' END AS definition
  FROM (
    SELECT r.name AS parent, '' AS part, '' AS columns, CASE r.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || r.name AS target, r.relacl AS acl,
      (CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char" AS kind, r.relowner AS owner, 'pg_class'::regclass AS class, r.oid AS oid
    FROM relation r WHERE r.relacl IS NOT NULL
    UNION ALL
    SELECT r.name, quote_ident(a.attname) || ' ', ' (' || quote_ident(a.attname) || ')', 'TABLE ' || r.name, a.attacl, 'c', r.relowner,
      'pg_attribute'::regclass, NULL
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT f.name, '', '', f.word || f.name, f.proacl, 'f', f.proowner, 'pg_proc'::regclass, f.oid FROM routine f WHERE f.proacl IS NOT NULL
    UNION ALL
    SELECT t.name, '', '', 'TYPE ' || t.name, t.typacl, 'T', t.typowner, 'pg_type'::regclass, t.oid FROM kind t WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT s.name, '', '', 'SCHEMA ' || s.name, s.nspacl, 'n', s.nspowner, 'pg_namespace'::regclass, s.oid FROM space s WHERE s.nspacl IS NOT NULL
    UNION ALL
    SELECT quote_ident(s.srvname), '', '', 'FOREIGN SERVER ' || quote_ident(s.srvname), s.srvacl, 'S', s.srvowner, 'pg_foreign_server'::regclass, s.oid
    FROM pg_foreign_server s WHERE s.srvacl IS NOT NULL
  ) AS o,
  LATERAL (
    SELECT count(*) AS all_held FROM aclexplode(acldefault(CASE o.kind WHEN 'c' THEN 'r'::"char" ELSE o.kind END, o.owner)) AS d
    WHERE d.grantee = o.owner AND (o.kind <> 'c' OR d.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES'))
  ) AS w,
  LATERAL (
    SELECT coalesce((SELECT i.initprivs FROM pg_init_privs i WHERE i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = 0),
      acldefault(o.kind, o.owner)) AS acl
  ) AS b,
  LATERAL (
    SELECT d.granted, d.grantable, count(*) AS held, string_agg(d.word || o.columns, ', ' ORDER BY d.word COLLATE "C") AS words,
      CASE d.grantee WHEN 0 THEN 'PUBLIC' WHEN o.owner THEN 'CURRENT_USER' ELSE quote_ident(pg_get_userbyid(d.grantee)) END AS role
    FROM (
      SELECT true AS granted, x.* FROM ({rights:o.acl} EXCEPT {rights:b.acl}) AS x
      UNION ALL
      SELECT false, x.* FROM ({rights:b.acl} EXCEPT {rights:o.acl}) AS x
      -- A right that is only held in another form is not lost.
      WHERE NOT EXISTS (SELECT FROM aclexplode(o.acl) AS y WHERE y.grantee = x.grantee AND y.privilege_type = x.word)
    ) AS d
    GROUP BY d.granted, d.grantee, d.grantable
  ) AS g
) AS p
UNION ALL
SELECT 'default privilege', concat_ws(' ', g.role, 'on', g.things, 'in ' || n.name, 'by ' || g.maker,
    CASE WHEN g.grantable THEN 'with grant option' END, CASE WHEN NOT g.granted THEN 'revoked' END), NULL, NULL, NULL,
  'ALTER DEFAULT PRIVILEGES' || coalesce(' FOR ROLE ' || g.maker, '') || coalesce(' IN SCHEMA ' || n.name, '')
    || CASE WHEN g.granted THEN ' GRANT ' ELSE ' REVOKE ' END
    || CASE WHEN g.held = g.all_held AND g.all_held > 1 THEN 'ALL' ELSE g.words END || ' ON ' || g.things
    || CASE WHEN g.granted THEN ' TO ' ELSE ' FROM ' END || g.role
    || CASE WHEN g.grantable AND g.granted THEN ' WITH GRANT OPTION' ELSE '' END, NULL, NULL, 0
FROM (
  SELECT a.defaclnamespace, d.granted, d.grantable, count(*) AS held, string_agg(d.word, ', ' ORDER BY d.word COLLATE "C") AS words,
    (SELECT count(*) FROM aclexplode(acldefault(k.kind, a.defaclrole)) AS e WHERE e.grantee = a.defaclrole) AS all_held,
    CASE d.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(d.grantee)) END AS role, k.things,
    CASE WHEN pg_get_userbyid(a.defaclrole) = current_user THEN NULL ELSE quote_ident(pg_get_userbyid(a.defaclrole)) END AS maker
  FROM pg_default_acl a,
    LATERAL (SELECT (CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END)::"char" AS kind,
      CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS things) AS k,
    LATERAL (SELECT CASE WHEN a.defaclnamespace = 0 THEN acldefault(k.kind, a.defaclrole) ELSE acldefault('c', a.defaclrole) END AS acl) AS b,
    LATERAL (
      SELECT true AS granted, x.* FROM ({rights:a.defaclacl} EXCEPT {rights:b.acl}) AS x
      UNION ALL
      SELECT false, x.* FROM ({rights:b.acl} EXCEPT {rights:a.defaclacl}) AS x
    ) AS d
  GROUP BY a.oid, a.defaclnamespace, a.defaclobjtype, a.defaclrole, k.kind, k.things, d.granted, d.grantable, d.grantee
) AS g LEFT JOIN place n ON n.oid = g.defaclnamespace
