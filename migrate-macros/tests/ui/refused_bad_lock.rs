fn main() {
    let set = migrate_macros::embed!("refused_bad_lock");
    println!("{}", set.latest());
}
