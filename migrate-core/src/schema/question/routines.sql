SELECT 'function', f.name, NULL, 'pg_proc:' || f.oid, f.word || f.name, btrim(pg_get_functiondef(f.oid), E' \n'),
  NULL, obj_description(f.oid, 'pg_proc'), 0
FROM routine f WHERE f.prokind <> 'a'
UNION ALL
SELECT 'function', f.name, NULL, 'pg_proc:' || f.oid,
  'AGGREGATE ' || f.short || '(' || coalesce(nullif(pg_get_function_identity_arguments(f.oid), ''), '*') || ')',
  'CREATE AGGREGATE ' || f.short || '(' || coalesce(nullif(pg_get_function_arguments(f.oid), ''), '*') || E') (\n    SFUNC = ' || g.aggtransfn::regproc::text || E',\n    STYPE = ' || format_type(g.aggtranstype, NULL)
    || CASE WHEN g.aggtransspace = 0 THEN '' ELSE E',\n    SSPACE = ' || g.aggtransspace END
    || coalesce(E',\n    FINALFUNC = ' || nullif(g.aggfinalfn::regproc::text, '-'), '')
    || CASE WHEN g.aggfinalextra THEN E',\n    FINALFUNC_EXTRA' ELSE '' END
    || coalesce(E',\n    COMBINEFUNC = ' || nullif(g.aggcombinefn::regproc::text, '-'), '')
    || coalesce(E',\n    SERIALFUNC = ' || nullif(g.aggserialfn::regproc::text, '-'), '')
    || coalesce(E',\n    DESERIALFUNC = ' || nullif(g.aggdeserialfn::regproc::text, '-'), '')
    || coalesce(E',\n    INITCOND = ' || quote_literal(g.agginitval), '')
    || coalesce(E',\n    MSFUNC = ' || nullif(g.aggmtransfn::regproc::text, '-')
      || E',\n    MINVFUNC = ' || g.aggminvtransfn::regproc::text
      || E',\n    MSTYPE = ' || format_type(g.aggmtranstype, NULL)
      || coalesce(E',\n    MFINALFUNC = ' || nullif(g.aggmfinalfn::regproc::text, '-'), '')
      || coalesce(E',\n    MINITCOND = ' || quote_literal(g.aggminitval), ''), '')
    || CASE f.proparallel WHEN 's' THEN E',\n    PARALLEL = SAFE' WHEN 'r' THEN E',\n    PARALLEL = RESTRICTED' ELSE '' END
    || CASE g.aggkind WHEN 'h' THEN E',\n    HYPOTHETICAL' ELSE '' END || E'\n)',
  NULL, obj_description(f.oid, 'pg_proc'), 0
FROM routine f JOIN pg_aggregate g ON g.aggfnoid = f.oid
