fn main() {
    let set = migrate_macros::embed!("refused_annotation_typo");
    println!("{}", set.latest());
}
