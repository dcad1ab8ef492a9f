fn main() {
    let set = migrate_macros::embed!("refused_locked_file_changed");
    println!("{}", set.latest());
}
