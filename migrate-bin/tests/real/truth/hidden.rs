//! Row level security hides rows without an error. A history that is not seen whole is not read at all.

use super::{ONE, TWO, drop_role, role, there, told};
use crate::stage::{Database, folder, migrate};

const ALL: &str = "GRANT ALL ON SCHEMA public TO ROLE; GRANT ALL ON ALL TABLES IN SCHEMA public TO ROLE; \
                   GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ROLE";

#[test]
fn a_role_that_sees_a_part_of_the_history_is_told_so_and_changes_nothing() {
    for (name, policies, hidden) in [
        ("no policy", "ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY", "goose_db_version"),
        (
            "insert without select",
            "ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY writes ON goose_db_version FOR INSERT WITH CHECK (true)",
            "goose_db_version",
        ),
        (
            "no delete",
            "ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY reads ON goose_db_version FOR SELECT USING (true); \
             CREATE POLICY writes ON goose_db_version FOR INSERT WITH CHECK (true)",
            "goose_db_version",
        ),
        ("the ledger", "ALTER TABLE goose_db_version_ledger ENABLE ROW LEVEL SECURITY", "goose_db_version_ledger"),
    ] {
        let database = Database::create();
        let files = folder(&[ONE, TWO]);
        assert_eq!(migrate(&database.url, files.path(), &["up", "--to", "1"]).code, 0);
        let (role, url) = role(&database, "filtered", ALL);
        database.rows(policies);
        let before = database.version_rows();
        for command in ["status", "version", "up", "down", "plan", "reset", "redo"] {
            let ended = migrate(&url, files.path(), &[command]);
            let cause = format!("row level security keeps rows of `{hidden}` from the role `{role}`");
            told(&ended, 22, &[&cause, "BYPASSRLS", "nothing was changed"]);
        }
        if hidden == "goose_db_version" {
            let check = migrate(&url, files.path(), &["check"]);
            assert_eq!(check.code, 22, "{name}: {}", check.stderr);
            assert!(check.stderr.contains("row level security"), "{name}: {}", check.stderr);
        }
        assert_eq!((database.version_rows(), there(&database, "b")), (before, false), "{name}");
        drop_role(&database, &role);
    }
}

#[test]
fn an_owner_for_whom_policies_are_forced_is_told_so_and_one_for_whom_they_are_not_goes_on() {
    let database = Database::create();
    let files = folder(&[ONE, TWO]);
    let (role, url) = role(&database, "owner", "GRANT ALL ON SCHEMA public TO ROLE");
    told(&migrate(&url, files.path(), &["up", "--to", "1"]), 0, &[]);
    database.rows("ALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    told(&migrate(&url, files.path(), &["status"]), 22, &["row level security", "FORCE"]);
    // A superuser, and a role with BYPASSRLS, see everything whatever is forced.
    told(&migrate(&database.url, files.path(), &["status"]), 0, &["at version 1"]);
    database.rows("ALTER TABLE goose_db_version NO FORCE ROW LEVEL SECURITY");
    told(&migrate(&url, files.path(), &["up"]), 0, &["at version 2"]);
    drop_role(&database, &role);
}

#[test]
fn a_migration_that_hides_its_own_record_is_rolled_back() {
    let database = Database::create();
    let hides = "-- +goose Up\nALTER TABLE goose_db_version ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n\
                 CREATE POLICY writes ON goose_db_version FOR INSERT WITH CHECK (true);\n";
    let files = folder(&[ONE, ("00002_b.sql", hides)]);
    let (role, url) = role(&database, "hides", "GRANT ALL ON SCHEMA public TO ROLE");
    told(
        &migrate(&url, files.path(), &["up"]),
        22,
        &["could not be recorded", "a policy", "00002_b.sql was rolled back"],
    );
    assert_eq!(database.versions(), ["0", "1"]);
    told(&migrate(&url, files.path(), &["status"]), 0, &["at version 1"]);
    drop_role(&database, &role);
}
