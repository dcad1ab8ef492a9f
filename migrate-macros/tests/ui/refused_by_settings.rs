fn main() {
    let set = migrate_macros::embed!("refused_by_settings");
    println!("{}", set.digest);
}
