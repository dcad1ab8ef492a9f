fn main() {
    let set = migrate_macros::embed!("refused_unknown_table");
    println!("{}", set.latest());
}
