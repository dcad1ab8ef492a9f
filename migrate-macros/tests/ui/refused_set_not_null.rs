fn main() {
    let set = migrate_macros::embed!("refused_set_not_null");
    println!("{}", set.latest());
}
