fn main() {
    let set = migrate_macros::embed!("refused_rename_column");
    println!("{}", set.latest());
}
