migrate_macros::embed!(mod schema = "refused_migration_gone");

fn main() {
    println!("{}", schema::V00001_create_users.version);
    println!("{}", schema::V00002_create_tasks.version);
}
