fn main() {
    let set = migrate_macros::embed!("refused_syntax_error");
    println!("{}", set.latest());
}
