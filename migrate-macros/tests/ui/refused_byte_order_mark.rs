fn main() {
    let set = migrate_macros::embed!("refused_byte_order_mark");
    println!("{}", set.latest());
}
