fn main() {
    let set = migrate_macros::embed!("refused_down_that_fails");
    println!("{}", set.digest);
}
