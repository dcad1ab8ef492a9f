migrate_macros::embed!(mod schema = "refused_migration_renumbered");

fn main() {
    println!("{}", schema::V00001_create_users.version);
    println!("{}", schema::V00002_create_tasks.version);
}
