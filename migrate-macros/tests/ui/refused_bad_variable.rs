fn main() {
    let set = migrate_macros::embed!("refused_bad_variable");
    println!("{}", set.latest());
}
