#![deny(warnings, clippy::all, clippy::pedantic, missing_docs, unreachable_pub)]
//! Both forms, in a crate that allows itself nothing.

migrate_macros::embed!(
    /// The schema of the program.
    #[cfg(not(windows))]
    pub(crate) mod schema = "refused_migration_gone"
);

mod core {
    pub(crate) use migrate_core::*;
}

fn main() {
    let set: &'static migrate_core::migration::Set = migrate_macros::embed!("refused_migration_gone", crate = crate::core);
    assert_eq!(set.migrations, schema::SET.migrations);
    assert_eq!(set.digest, schema::SET_DIGEST);
    assert_eq!(set.latest(), schema::LATEST);
    assert_eq!(schema::V00001_create_users.text, "-- +goose Up\nCREATE TABLE users (id bigint);\n");
    assert_eq!(set.release.split(' ').count(), 2);
    assert_eq!(migrate_core::build::stale(set), None);
}
