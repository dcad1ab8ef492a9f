migrate_macros::embed!(pub mod schema = "refused_many_errors");

fn main() {
    println!("{} {} {}", schema::LATEST, schema::SET_DIGEST, schema::SET.migrations.len());
    println!("{}", schema::V00003_create_plans.file);
}
