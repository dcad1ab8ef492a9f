const FOLDER: &str = "refused_migration_gone";

fn main() {
    let set = migrate_macros::embed!(FOLDER);
    println!("{}", set.latest());
}
