fn main() {
    let set = migrate_macros::embed!("refused_missing_semicolon");
    println!("{}", set.latest());
}
