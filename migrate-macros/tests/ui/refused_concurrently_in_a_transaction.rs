fn main() {
    let set = migrate_macros::embed!("refused_concurrently_in_a_transaction");
    println!("{}", set.latest());
}
