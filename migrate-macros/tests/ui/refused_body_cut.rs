fn main() {
    let set = migrate_macros::embed!("refused_body_cut");
    println!("{}", set.latest());
}
