fn main() {
    let set = migrate_macros::embed!("refused_blocking_index");
    println!("{}", set.latest());
}
