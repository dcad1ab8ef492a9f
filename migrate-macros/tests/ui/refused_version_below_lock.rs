fn main() {
    let set = migrate_macros::embed!("refused_version_below_lock");
    println!("{}", set.latest());
}
