fn main() {
    let set = migrate_macros::embed!("refused_allow_without_reason");
    println!("{}", set.latest());
}
