fn main() {
    let set = migrate_macros::embed!("refused_not_utf_8");
    println!("{}", set.latest());
}
