fn main() {
    let set = migrate_macros::embed!("refused_drop_column");
    println!("{}", set.latest());
}
