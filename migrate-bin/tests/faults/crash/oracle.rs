//! What a database holds, in words that can be compared: two databases on which the same migrations landed are equal,
//! however often a run was cut off on the way.
//!
//! Left out is what may differ: our own side tables, the numbers of version rows, and times.

use std::process::Command;

use migrate_scratch::Server;

use crate::stage::{Database, sql};

/// All of a database that has to be the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// As `pg_dump` writes it; empty where there is none that reads this server.
    dump: Vec<String>,
    /// The same facts from the catalogs, which every server has.
    catalog: Vec<String>,
    /// Every table, and a digest of its rows.
    data: Vec<String>,
    /// The versions in the order of their rows.
    versions: Vec<String>,
    /// How often each step was done.
    counters: Vec<String>,
}

impl State {
    pub(crate) fn of(database: &Database, server: &Server) -> Self {
        Self {
            dump: dump(database, server),
            catalog: database.rows(CATALOG),
            data: data(database),
            versions: database.rows("SELECT version_id, is_applied FROM goose_db_version ORDER BY id"),
            counters: database.rows("SELECT step, n FROM counter ORDER BY step"),
        }
    }

    /// The first thing of each kind that is not the same.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("pg_dump", &self.dump, &other.dump),
            ("catalog", &self.catalog, &other.catalog),
            ("data", &self.data, &other.data),
            ("versions", &self.versions, &other.versions),
            ("counters", &self.counters, &other.counters),
        ];
        let differs = |(what, ours, theirs): (&str, &Vec<String>, &Vec<String>)| {
            let missing = theirs.iter().find(|line| !ours.contains(line));
            let extra = ours.iter().find(|line| !theirs.contains(line));
            (ours != theirs).then(|| format!("{what}: only here {extra:?}, only undisturbed {missing:?}"))
        };
        pairs.into_iter().filter_map(differs).collect()
    }

    /// Steps that were not done once.
    pub(crate) fn miscounted(&self) -> Vec<String> {
        self.counters.iter().filter(|line| !line.ends_with("|1")).cloned().collect()
    }

    /// Versions of which the rows are not `1..=files`, in that order.
    pub(crate) fn has_versions(&self, files: usize) -> bool {
        let expected: Vec<String> = (0..=files).map(|version| format!("{version}|t")).collect();
        self.versions == expected
    }
}

/// What no finished run may leave behind.
pub(crate) fn leftovers(database: &Database) -> Vec<String> {
    let mut found = database.rows(
        "SELECT 'INVALID index ' || indexrelid::regclass FROM pg_index WHERE NOT (indisvalid AND indisready) \
         UNION ALL SELECT 'pending detachment of ' || inhrelid::regclass FROM pg_inherits WHERE inhdetachpending \
         UNION ALL SELECT 'version without a ledger row ' || version_id FROM goose_db_version v WHERE version_id > 0 \
         AND NOT EXISTS (SELECT FROM goose_db_version_ledger l WHERE l.row_id = v.id AND l.version_id = v.version_id) \
         UNION ALL SELECT 'advisory lock of pid ' || pid FROM pg_locks WHERE locktype = 'advisory' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    if database.rows("SELECT to_regclass('goose_db_version_journal') IS NOT NULL") == ["t"] {
        let open =
            "SELECT 'open entry of the journal ' || j::text FROM goose_db_version_journal j WHERE closed_at IS NULL";
        found.extend(database.rows(open));
    }
    found
}

/// `pg_dump` of the server's folder, or of the system where that one is not older than the server.
fn dump(database: &Database, server: &Server) -> Vec<String> {
    let beside = server.bin().join("pg_dump");
    let program = if beside.is_file() { beside } else { "pg_dump".into() };
    let told = Command::new(&program).arg("--version").output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let major = told.split(' ').nth(2).and_then(|version| version.split('.').next()?.trim().parse::<u32>().ok());
    if major.is_none_or(|major| major < server.major()) {
        return Vec::new();
    }
    let output = Command::new(program)
        .args(["--schema-only", "--no-owner", "--exclude-table=*_ledger", "--exclude-table=*_journal", "--dbname"])
        .arg(&database.url)
        .output()
        .expect("pg_dump starts");
    assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let own = |line: &&str| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict");
    text.lines().filter(own).map(str::to_owned).collect()
}

fn data(database: &Database) -> Vec<String> {
    let tables = database.rows(
        "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'app') AND c.relname !~ '^goose_db_version' \
         ORDER BY 1",
    );
    let digest = |table: &String| {
        format!("SELECT '{table}', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {table} AS t")
    };
    let digests: Vec<String> = tables.iter().map(digest).collect();
    sql(&database.url, &format!("{} ORDER BY 1", digests.join(" UNION ALL ")))
}

/// Columns, indexes, constraints, functions, labels, partitions: a line each.
const CATALOG: &str = "
    WITH mine AS (
        SELECT c.oid, c.oid::regclass::text AS name, c.relkind FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'app') AND c.relname !~ '_(ledger|journal)'
    )
    SELECT 'relation', name || ' ' || relkind::text FROM mine
    UNION ALL
    SELECT 'column', name || ' ' || attnum || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || ' '
        || attnotnull || ' ' || attidentity::text || ' ' || coalesce(pg_get_expr(adbin, adrelid), '')
    FROM mine JOIN pg_attribute ON attrelid = mine.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE relkind <> 'S'
    UNION ALL
    SELECT 'index', pg_get_indexdef(indexrelid) || ' ' || indisvalid || ' ' || indisready
    FROM pg_index JOIN mine ON mine.oid = indrelid
    UNION ALL
    SELECT 'constraint', name || ' ' || conname || ' ' || pg_get_constraintdef(pg_constraint.oid) || ' ' || convalidated
    FROM pg_constraint JOIN mine ON mine.oid = conrelid
    UNION ALL
    SELECT 'function', pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('public', 'app')
    UNION ALL
    SELECT 'label', enumtypid::regtype || ' ' || enumlabel || ' ' || row_number() OVER (PARTITION BY enumtypid
        ORDER BY enumsortorder) FROM pg_enum
    UNION ALL
    SELECT 'partition', inhparent::regclass || ' ' || inhrelid::regclass || ' ' || inhdetachpending FROM pg_inherits
    JOIN mine ON mine.oid = inhparent
    ORDER BY 1, 2";
