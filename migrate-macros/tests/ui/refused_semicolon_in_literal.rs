fn main() {
    let set = migrate_macros::embed!("refused_semicolon_in_literal");
    println!("{}", set.latest());
}
