fn main() {
    let set = migrate_macros::embed!("refused_foreign_key_validated");
    println!("{}", set.latest());
}
