fn main() {
    let set = migrate_macros::embed!("refused_enum_value_used");
    println!("{}", set.latest());
}
