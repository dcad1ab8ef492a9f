fn main() {
    let set = migrate_macros::embed!("../variables", envsub = "goose-4");
    println!("{}", set.latest());
}
