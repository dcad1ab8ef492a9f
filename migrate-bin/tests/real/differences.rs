//! Where our program ends a recorded run of goose's otherwise, and why (goose/spec.md 10 recommends each).

/// Why a recorded run does not end the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// goose goes on, or runs a part; we refuse before anything runs.
    Reject,
    /// goose fails, and we do what was meant; taking turns stays possible.
    Better,
}
use Kind::{Better, Reject};

/// A deliberate difference from one recording.
pub(crate) struct Difference {
    pub(crate) scenario: &'static str,
    pub(crate) kind: Kind,
    pub(crate) reason: &'static str,
    /// What differs at which step, as the replay writes it: ours. The first is the difference, later ones follow.
    pub(crate) steps: &'static [(usize, &'static str)],
}

const fn differs(
    scenario: &'static str,
    kind: Kind,
    reason: &'static str,
    steps: &'static [(usize, &'static str)],
) -> Difference {
    Difference { scenario, kind, reason, steps }
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    differs(
        "parse error in a later file",
        Reject,
        "the whole folder is read before anything runs (Q10); goose stops half-way",
        &[(0, "rows (no table)"), (1, "rows (no table), version 0"), (2, "rows (no table)")],
    ),
    differs(
        "parse error in the down section",
        Reject,
        "both directions are read before anything runs (Q10): goose applies a file that it cannot undo",
        &[(0, "exit 29, rows (no table)"), (1, "rows (no table)"), (2, "rows (no table), version 0")],
    ),
    differs(
        "parse error in applied file",
        Reject,
        "applied files are part of the set and are read too (Q10)",
        &[(3, "exit 29, rows 1:0:true 2:1:true"), (4, "rows 1:0:true 2:1:true")],
    ),
    differs(
        "empty statement from empty block",
        Reject,
        "goose drops the line behind an empty block and reports success (Q1): silent loss of SQL",
        &[(0, "exit 29, rows (no table)"), (1, "result |")],
    ),
    differs(
        "directory named like a migration",
        Reject,
        "what cannot be read is refused before anything runs (Q17); goose fails when its turn comes",
        &[(0, "rows (no table)"), (1, "rows (no table)")],
    ),
    differs(
        "duplicate version",
        Reject,
        "`validate` finds two files of one version (Q40); goose's does not, and its `up` then panics",
        &[(2, "exit 29")],
    ),
    differs(
        "custom table mixed case unquoted",
        Reject,
        "a plain lower-case name is the set on which goose's command, its Provider and we agree (Q18)",
        &[(0, "exit 2"), (1, "result ")],
    ),
    differs(
        "explicit commit inside transaction",
        Reject,
        "a file that is applied whole or not at all does not end its transaction half-way (Q32); goose leaves a part behind",
        &[(2, "result |")],
    ),
    differs(
        "explicit rollback inside transaction",
        Reject,
        "the same (Q32): goose records a version of which a part was rolled back",
        &[(0, "exit 29, rows (no table)"), (1, "rows (no table), version 0"), (2, "result |")],
    ),
    differs(
        "search_path changed by migration",
        Better,
        "the version table is qualified by the schema found at the start (Q31), so the row is written",
        &[(0, "exit 0, rows 1:0:true 2:1:true"), (1, "rows 1:0:true 2:1:true, version 1")],
    ),
    differs(
        "version table exists but empty",
        Better,
        "an empty table is a fresh database; row 0 is inserted first (Q23)",
        &[
            (0, "exit 0, rows 1:0:true 2:1:true 3:2:true 4:3:true"),
            (1, "exit 0, rows 1:0:true 2:1:true 3:2:true 4:3:true"),
            (2, "exit 0, rows 1:0:true 2:1:true 3:2:true 4:3:true"),
            (3, "rows 1:0:true"),
        ],
    ),
    differs(
        "version row for zero removed while others stay",
        Better,
        "without row 0 `down-to 0` ends well too, and the empty table reads as version 0 (Q23)",
        &[(3, "exit 0"), (4, "exit 0")],
    ),
    differs("null tstamp", Better, "an old table's NULL tstamp is a time nobody knows (4.1)", &[(0, "exit 0")]),
    differs(
        "glob characters in dir",
        Better,
        "a folder's name is a name, not a pattern (Q17)",
        &[(0, "exit 0, rows 1:0:true 2:1:true")],
    ),
    differs(
        "driver prefix before file commands",
        Better,
        "`validate` takes the same options as every command and ignores the database",
        &[(2, "exit 0")],
    ),
    differs(
        "envsub required unset at run time",
        Better,
        "`validate` checks what holds for all values; the values belong to the run (Q11)",
        &[(1, "exit 0")],
    ),
    differs(
        "create",
        Better,
        "files are SQL, whatever the type; goose makes Go files unless told otherwise (Q39)",
        &[(
            8,
            "files 00001_add_users_table_.sql 00002_fetchuserdata.sql 00003_no_type.sql 00004_x.sql 00005_a.sql \
             00006_.sql 00007_été_42.sql",
        )],
    ),
];

/// Steps about goose's own command line, which is not ours: scenario, one step or all of them, and why.
pub(crate) const NOT_OURS: &[(&str, Option<usize>, &str)] = &[
    ("cli args", None, "goose's drivers, its flags and their order"),
    ("env vars", None, "GOOSE_DRIVER, GOOSE_MIGRATION_DIR and `goose env` are goose's; ours are tested in commands"),
    ("dotenv", None, "we read no .env file"),
    ("init", None, "we have no `init`; `create` makes the first file"),
];
