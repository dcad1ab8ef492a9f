fn main() {
    let set = migrate_macros::embed!("refused_psql_command");
    println!("{}", set.latest());
}
