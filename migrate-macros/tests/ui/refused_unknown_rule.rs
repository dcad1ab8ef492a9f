fn main() {
    let set = migrate_macros::embed!("refused_unknown_rule");
    println!("{}", set.digest);
}
