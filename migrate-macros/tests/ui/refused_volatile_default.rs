fn main() {
    let set = migrate_macros::embed!("refused_volatile_default");
    println!("{}", set.digest);
}
