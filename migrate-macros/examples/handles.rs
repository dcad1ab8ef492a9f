//! Code that depends on a migration names it. When that migration is removed or renumbered, this stops compiling:
//! the name is gone, and the compiler says where it was used.
//!
//! `cargo run -p migrate-macros --example handles`

migrate_macros::embed!(pub mod schema = "../../migrations");

use migrate_core::migration::Version;

/// SMS reminders need the columns of this migration: the query below it was written against them.
const SMS_REMINDERS: &migrate_core::migration::Migration = schema::V00016_add_sms_notifications;

/// What a feature needs of the schema, said in code and checked by the compiler.
fn sms_reminders_may_start(applied: Version) -> bool {
    applied >= SMS_REMINDERS.version
}

fn main() {
    #[expect(clippy::print_stdout, reason = "an example shows what it finds")]
    for applied in [Version::ZERO, schema::LATEST] {
        println!("schema at {applied}: SMS reminders {}", if sms_reminders_may_start(applied) { "on" } else { "off" });
    }
}
