fn main() {
    let set = migrate_macros::embed!("refused_required_column");
    println!("{}", set.latest());
}
