fn main() {
    let set = migrate_macros::embed!("refused_stale_watch");
    println!("{}", set.latest());
}
