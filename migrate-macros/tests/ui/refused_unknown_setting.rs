fn main() {
    let set = migrate_macros::embed!("refused_unknown_setting");
    println!("{}", set.latest());
}
