//! The table of codes: one row a rule, with its explanation and an example that breaks it.
//!
//! Invariant: ids and names never change meaning and are never used again for something else.

use super::Severity::{self, Error, Warning};

/// Declares the codes and their table in one place, so that a code without a row cannot exist.
macro_rules! codes {
    ($($variant:ident $id:literal $name:literal $severity:ident
        $class:literal
        $explanation:literal
        bad($file:literal) $bad:literal;)*) => {
        /// The rules that a set of migrations can break. Stable ids: see [`CODES`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $explanation] $variant,)* }

        /// Every code, in the order of its id.
        pub const CODES: &[Entry] = &[$(Entry {
            code: Code::$variant, id: $id, name: $name, severity: $severity, class: $class,
            explanation: $explanation, bad_file: $file, bad_text: $bad,
        },)*];
    };
}

/// One row of the table of codes.
#[derive(Debug)]
pub struct Entry {
    /// The code this row describes.
    pub code: Code,
    /// The short stable id, such as `P12`.
    pub id: &'static str,
    /// The stable name, such as `missing-semicolon`.
    pub name: &'static str,
    /// Whether it refuses the set.
    pub severity: Severity,
    /// The class of goose's own error (goose/spec.md 2.9), or empty where goose has none.
    pub class: &'static str,
    /// Why the rule exists.
    pub explanation: &'static str,
    /// File name of the example that breaks the rule.
    pub bad_file: &'static str,
    /// Text of the example that breaks the rule.
    pub bad_text: &'static str,
}

impl Code {
    /// The row of this code.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        &CODES[self as usize]
    }
}

codes! {
    BadConfig "C01" "bad-config" Error ""
        "`migrate.toml` holds the keys that docs/configuration.md describes, with values of their kinds. A misspelt key would be a setting that nobody follows, so it is refused."
        bad("migrate.toml") "[lint]\njudge_from = 42\n";
    BaseFileEdited "H01" "base-file-edited" Error ""
        "A migration that the base revision of a review has may be applied already. Its SQL was edited, and the edit reaches no database that has it: they would differ, and nobody would know."
        bad("00001_a.sql") "-- +goose Up\nSELECT 'edited';\n";
    BaseFileRemoved "H02" "base-file-removed" Error ""
        "A migration that the base revision of a review has is gone. A database that applied it keeps its version, and a new database never gets what it made."
        bad("00001_a.sql") "-- +goose Up\nSELECT 1;\n";
    BaseFileRenumbered "H03" "base-file-renumbered" Error ""
        "A migration that the base revision of a review has was given another version. A database that applied it takes it for a new one and runs it again."
        bad("00003_a.sql") "-- +goose Up\nSELECT 1;\n";
    BaseFileReformatted "H04" "base-file-reformatted" Warning ""
        "White space or comments of a migration were edited that the base revision of a review has. Its SQL is the same, so no database is wrong, but the digest of the file is another one."
        bad("00001_a.sql") "-- +goose Up\n-- one\nSELECT 1;\n";
    BaseFileRenamed "H05" "base-file-renamed" Warning ""
        "A migration that the base revision of a review has was given another name, with its version and its SQL. Databases go by the version; people, logs and `migrate.lock` go by the name."
        bad("00001_b.sql") "-- +goose Up\nSELECT 1;\n";
    VersionTaken "H06" "version-taken" Error ""
        "Two branches added the same version, and the other one is in the base revision already. goose takes the version for applied and never runs the second file; with both in one folder it refuses the folder."
        bad("00002_b.sql") "-- +goose Up\nSELECT 2;\n";
    VersionBelowBase "H07" "version-below-base" Error ""
        "A new migration comes after every one that the base revision of a review has: a database that is already at the highest of them would need it out of order."
        bad("00001_b.sql") "-- +goose Up\nSELECT 2;\n";
    LockedFileChanged "K01" "locked-file-changed" Error ""
        "`migrate.lock` holds the SHA-256 of each migration that was locked (CRLF read as LF). A locked migration may be applied already, and an edit of it reaches no database that has it."
        bad("00001_a.sql") "-- +goose Up\nSELECT 'edited';\n";
    LockedFileMissing "K02" "locked-file-missing" Error ""
        "A migration that `migrate.lock` names is gone, or has another name or number. A database that applied it keeps its version."
        bad("migrate.lock") "00001_a.sql 283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247\nset 04fc7e14756785385cb9fc8e28805593cade16d9eee6eaf1ffa0d14ce0cbbc34\n";
    VersionBelowLock "K03" "version-below-lock" Error ""
        "A new migration comes after every one that `migrate.lock` names: a database that is already at the highest of them would need it out of order."
        bad("00001_a.sql") "-- +goose Up\nSELECT 1;\n";
    BadLock "K04" "bad-lock" Error ""
        "`migrate.lock` is written by `migrate lock`: a line `FILE SHA-256` for each migration, ascending, and last the line `set SHA-256` of them all. That line is how two branches that each add a migration come into conflict in git, so a lock that git left half merged is refused too."
        bad("migrate.lock") "<<<<<<< HEAD\n";
    BadName "N01" "bad-name" Error ""
        "A migration's file name starts with its version: digits, then an underscore, as in `00012_add_tasks.sql`. goose's command refuses the whole folder when one `*.sql` file is named otherwise."
        bad("seed.sql") "-- +goose Up\nSELECT 1;\n";
    DuplicateVersion "N02" "duplicate-version" Error ""
        "Two files with one version: goose panics on such a folder. `00001_a.sql` and `1_b.sql` have the same version."
        bad("1_a.sql") "-- +goose Up\nSELECT 1;\n";
    NotUtf8 "N03" "not-utf-8" Error ""
        "A migration is UTF-8 text. goose passes other bytes through and PostgreSQL then refuses them in a UTF-8 database."
        bad("00001_a.sql") "-- +goose Up\nSELECT '\u{e9}';\n";
    Unreadable "N04" "unreadable" Error "read_error"
        "The file or folder could not be read; a folder that is named like a migration is one such case."
        bad("00001_a.sql") "";
    NoFolder "N05" "no-folder" Error ""
        "The folder of migrations does not exist."
        bad("") "";
    NoMigrations "N06" "no-migrations" Error ""
        "The folder holds no file `*.sql`."
        bad("") "";
    GoMigration "N07" "go-migration" Error ""
        "A versioned `.go` file is a migration written in Go. It is part of the history, and only a custom goose binary can run it."
        bad("00001_a.go") "package migrations\n";
    AnnotationIndented "P01" "annotation-indented" Error "annotation_leading_whitespace"
        "goose refuses an annotation with a blank or a tab before it."
        bad("00001_a.sql") "  -- +goose Up\nSELECT 1;\n";
    AnnotationTwice "P02" "annotation-twice" Error "annotation_multiple"
        "One comment line holds the marker `+goose` more than once."
        bad("00001_a.sql") "-- +goose Up +goose Down\nSELECT 1;\n";
    AnnotationEmpty "P03" "annotation-empty" Error "annotation_empty"
        "The marker `+goose` is not followed by the name of an annotation."
        bad("00001_a.sql") "-- +goose\nSELECT 1;\n";
    AnnotationUnknown "P04" "annotation-unknown" Error "annotation_unsupported"
        "Any comment that contains `+goose` is read as an annotation, inside strings and function bodies too, and must be one of the seven that goose knows."
        bad("00001_a.sql") "-- +goose Upwards\nSELECT 1;\n";
    DuplicateUp "P05" "duplicate-up" Error "duplicate_up"
        "A file has one Up section, and it comes first."
        bad("00001_a.sql") "-- +goose Up\nSELECT 1;\n-- +goose Up\nSELECT 2;\n";
    DownOutOfPlace "P06" "down-out-of-place" Error "down_out_of_place"
        "A file has at most one Down section, after its Up section and outside any block."
        bad("00001_a.sql") "-- +goose Down\nSELECT 1;\n-- +goose Up\nSELECT 2;\n";
    BlockOutOfPlace "P07" "block-out-of-place" Error "statement_begin_out_of_place"
        "StatementBegin stands inside a section and outside any other block."
        bad("00001_a.sql") "-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n";
    BlockNotOpen "P08" "block-not-open" Error "statement_end_without_begin"
        "StatementEnd closes a block that StatementBegin opened."
        bad("00001_a.sql") "-- +goose Up\nSELECT 1;\n-- +goose StatementEnd\n";
    SqlBeforeUp "P09" "sql-before-up" Error "sql_before_up"
        "Only comments and blank lines may stand before `-- +goose Up`. A byte order mark and a `/* */` comment count as SQL."
        bad("00001_a.sql") "SELECT 1;\n-- +goose Up\n";
    NoUp "P10" "no-up" Error "no_up_annotation"
        "The file has no `-- +goose Up`."
        bad("00001_a.sql") "-- nothing\n";
    BlockNotClosed "P11" "block-not-closed" Error "missing_statement_end"
        "A block opened by StatementBegin has no StatementEnd."
        bad("00001_a.sql") "-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n";
    MissingSemicolon "P12" "missing-semicolon" Error "missing_semicolon"
        "goose ends a statement where a line ends with `;`. The last statement of the section never does."
        bad("00001_a.sql") "-- +goose Up\nSELECT 1\n";
    LineTooLong "P13" "line-too-long" Error "line_too_long"
        "goose reads lines of at most 4 MiB (4,194,304 bytes with the line end)."
        bad("00001_a.sql") "";
    VariableName "P14" "variable-name" Error "envsub_bad_identifier"
        "The name of a variable starts with a letter. Under ENVSUB ON, goose up to 3.30.0 takes every `$` for the start of a variable, `$1` and `$ ` too; from 3.30.1 on only one in front of `{`, `_` or an ASCII letter. `$$` becomes `$` for both."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${1}';\n";
    VariableOperator "P15" "variable-operator" Error "envsub_bad_operator"
        "After the name in `${NAME…}` goose knows `:-`, `-`, `?` and `:OFFSET:LENGTH`; from 3.30.1 on also `:?`, `:+` and `+`."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME#x}';\n";
    VariableOpen "P16" "variable-open" Error "envsub_unterminated"
        "An expansion `${…` is closed on the line it starts on."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME:-x';\n";
    VariableOffset "P17" "variable-offset" Error "envsub_bad_offset"
        "The offset in `${NAME:OFFSET}` is a whole number. `:=` is not supported by goose and is read as an offset."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME:=x}';\n";
    VariableLength "P18" "variable-length" Error "envsub_bad_length"
        "The length in `${NAME:OFFSET:LENGTH}` is a whole number, and no larger than a value can be."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME:1:x}';\n";
    VariableUnset "P19" "variable-unset" Error "envsub_required_unset"
        "`${NAME?message}` demands a value, and the environment has none."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME?give it}';\n";
    VariableCut "P21" "variable-cut" Error ""
        "goose up to 3.30.0 counts substrings in bytes; this one cuts a character in two, and the statement would not be UTF-8."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${ACCENTED:0:1}';\n";
    VariableDepth "P22" "variable-depth" Error ""
        "Expansions are nested in expansions more than 1,000 levels deep, which nobody means and goose from 3.30.1 on refuses."
        bad("00001_a.sql") "";
    VariableDialects "P23" "variable-dialects" Error ""
        "goose 3.30.1 reads variables in another language than goose up to 3.30.0, and of this line they make different text: what runs would depend on which goose, and without a word."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME:+3}';\n";
    VariableNeedsNewer "P24" "variable-needs-goose-3-30" Warning ""
        "Only goose from 3.30.1 on reads this line; an older one refuses the file."
        bad("00001_a.sql") "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${NAME:+x}';\n";
    BlockDropsSql "P30" "block-drops-sql" Error ""
        "After a block with nothing between StatementBegin and StatementEnd goose throws the next line away and reports success (goose/spec.md Q1)."
        bad("00001_a.sql") "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\nCREATE TABLE t (id int);\n";
    EmptyBlock "P31" "empty-block" Warning ""
        "A block with nothing between StatementBegin and StatementEnd makes goose drop the next line of SQL, should one ever be added."
        bad("00001_a.sql") "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\n";
    NulByte "P32" "nul-byte" Error ""
        "PostgreSQL's protocol ends a statement at a NUL byte, so none can be sent that holds one."
        bad("00001_a.sql") "-- +goose Up\nSELECT 'a\0b';\n";
    CopyData "P33" "copy-data" Error ""
        "`COPY … FROM stdin` and `COPY … TO stdout` need a data channel beside the SQL, which a migration does not have; goose fails on them too (goose/spec.md 5.4)."
        bad("00001_a.sql") "-- +goose Up\nCOPY t FROM stdin;\n";
    SyntaxError "P40" "syntax-error" Error ""
        "PostgreSQL's parser refuses the statement. Found where the files are checked, so that a Down is not first read on the day it is needed. The bodies of PL/pgSQL are not read."
        bad("00001_a.sql") "-- +goose Up\nCREATE TABLE t (a int b text);\n";
    NestedTooDeep "P41" "nested-too-deep" Error ""
        "Brackets, CASE or prefix operators are nested more than 500 levels deep, which nobody means and no reader follows."
        bad("00001_a.sql") "";
    BodyCut "P42" "missing-statement-begin" Error ""
        "goose ends a statement at every line that ends with `;`, in a function's body too, unless the statement stands between StatementBegin and StatementEnd. PostgreSQL refuses the pieces (goose/spec.md Q4)."
        bad("00001_a.sql") "-- +goose Up\nDO $$\nBEGIN\n  NULL;\nEND $$;\n";
    SplitInLiteral "P43" "split-in-literal" Error ""
        "A line that ends with `;` inside a string, a quoted name or a `/* */` comment ends the statement for goose, and PostgreSQL refuses the pieces (goose/spec.md Q4)."
        bad("00001_a.sql") "-- +goose Up\nINSERT INTO t VALUES ('a;\nb');\n";
    HiddenSemicolon "P44" "hidden-semicolon" Warning ""
        "goose does not see a `;` with a comment glued to it, with a `/* */` comment behind it, or with ` --` in a string before it, and sends the next statement in the same piece (goose/spec.md Q3)."
        bad("00001_a.sql") "-- +goose Up\nSELECT 1;-- one\nSELECT 2;\n";
    PsqlCommand "P45" "psql-meta-command" Error ""
        "A line that starts with `\\` is a command of the program psql; PostgreSQL itself does not know it. Dumps by `pg_dump` hold some."
        bad("00001_a.sql") "-- +goose Up\n\\connect other\nSELECT 1;\n";
    BadDirective "P46" "bad-directive" Error ""
        "A comment that begins with `migrate:` asks this tool for something, and this one asks for what nobody knows, or in words that cannot be read. Passed over, it would be taken for granted."
        bad("00001_a.sql") "-- +goose Up\n-- migrate:requires-app >= 2\nSELECT 1;\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_finds_its_own_row() {
        for (index, entry) in CODES.iter().enumerate() {
            assert_eq!(entry.code as usize, index, "{}", entry.id);
        }
    }

    #[test]
    fn ids_ascend_and_names_are_unique() {
        let mut names = std::collections::BTreeSet::new();
        for pair in CODES.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
        }
        for entry in CODES {
            assert!(names.insert(entry.name), "{} twice", entry.name);
        }
    }
}
