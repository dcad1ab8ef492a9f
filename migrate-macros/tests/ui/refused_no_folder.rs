fn main() {
    let set = migrate_macros::embed!("no_such_folder");
    println!("{}", set.latest());
}
