fn main() {
    let set = migrate_macros::embed!("refused_type_rewrite");
    println!("{}", set.latest());
}
