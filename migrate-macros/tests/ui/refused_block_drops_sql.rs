fn main() {
    let set = migrate_macros::embed!("refused_block_drops_sql");
    println!("{}", set.latest());
}
