fn main() {
    migrate_core::build::watch("../../migrations");
}
