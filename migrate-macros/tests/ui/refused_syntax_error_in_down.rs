fn main() {
    let set = migrate_macros::embed!("refused_syntax_error_in_down");
    println!("{}", set.latest());
}
