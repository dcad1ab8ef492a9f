fn main() {
    let set = migrate_macros::embed!("refused_variable_of_two_meanings");
    println!("{}", set.latest());
}
