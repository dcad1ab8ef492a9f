fn main() {
    let set = migrate_macros::embed!("refused_duplicate_version");
    println!("{}", set.latest());
}
