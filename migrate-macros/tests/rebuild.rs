//! Which changes of a folder cargo notices, shown with the real cargo and a package as a user has it.

#![allow(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use migrate_core::parse::{read_file, read_folder};

const MAIN: &str = r#"
migrate_macros::embed!(mod schema = "../migrations");

fn main() {
    for migration in schema::SET.migrations.iter() {
        println!("{} {}", migration.version, migration.text.lines().nth(1).unwrap_or_default());
    }
    if let Some(stale) = migrate_core::build::stale(&schema::SET) {
        println!("{stale}");
    }
}
"#;

const BUILD: &str = "fn main() {\n    migrate_core::build::watch(\"migrations\");\n}\n";

const NOTHING: [&str; 0] = [];

/// A package `app` outside the workspace. Its place and its target folder stay the same from run to run, so that the
/// dependencies are compiled once.
struct Project {
    root: PathBuf,
}

impl Project {
    fn new() -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild");
        let project = Self { root };
        let _ = fs::remove_file(project.root.join("migrate.toml"));
        for folder in ["src", "migrations"] {
            let _ = fs::remove_dir_all(project.root.join(folder));
            fs::create_dir_all(project.root.join(folder)).unwrap();
        }
        let dependency =
            |name: &str| format!("{{ path = '{}', default-features = false }}", workspace.join(name).display());
        let manifest = format!(
            "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\nmigrate-core = {core}\nmigrate-macros = {macros}\n\n\
             [build-dependencies]\nmigrate-core = {core}\n",
            core = dependency("migrate-core"),
            macros = dependency("migrate-macros"),
        );
        fs::write(project.root.join("Cargo.toml"), manifest).unwrap();
        fs::copy(workspace.join("Cargo.lock"), project.root.join("Cargo.lock")).unwrap();
        fs::write(project.root.join("build.rs"), BUILD).unwrap();
        fs::write(project.root.join("src/main.rs"), MAIN).unwrap();
        project.sql("00001_a.sql", "SELECT 1;");
        project
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.join("migrations").join(name)
    }

    fn sql(&self, name: &str, statement: &str) {
        fs::write(self.file(name), format!("-- +goose Up\n{statement}\n")).unwrap();
    }

    /// Writes a file as tar and rsync do: with the time it had where it came from.
    fn sql_with_an_old_time(&self, name: &str, statement: &str) {
        self.sql(name, statement);
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options().write(true).open(self.file(name)).unwrap().set_modified(old).unwrap();
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--offline", "--color", "never"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env_remove("CARGO_BUILD_TARGET")
            .output()
            .unwrap()
    }

    /// Builds, and answers which packages were compiled.
    fn build(&self) -> Vec<String> {
        let output = self.cargo(&["build"]);
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{messages}");
        let compiled = messages.lines().filter_map(|line| line.trim().strip_prefix("Compiling "));
        compiled.map(|package| package.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    /// Builds, which has to fail with these words.
    fn refused(&self, words: &str) {
        let output = self.cargo(&["build"]);
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && messages.contains(words), "{words}: {messages}");
    }

    /// What the program prints once it is built.
    fn lines(&self) -> Vec<String> {
        self.build();
        self.lines_as_built()
    }

    fn lines_as_built(&self) -> Vec<String> {
        let output = Command::new(self.root.join("target/debug/app")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn touch(&self, path: &str) {
        File::open(self.root.join(path)).unwrap().set_modified(SystemTime::now()).unwrap();
    }
}

/// One test, because all of it is one package that is built again and again.
#[test]
fn a_changed_folder_is_built_again_or_named_as_stale() {
    let project = Project::new();
    assert_eq!(project.lines(), ["1 SELECT 1;"]);
    assert_eq!(project.build(), NOTHING, "nothing changed");

    project.sql("00002_b.sql", "SELECT 2;");
    assert_eq!(project.build(), ["app"], "a file was added");
    assert_eq!(project.lines(), ["1 SELECT 1;", "2 SELECT 2;"], "a file was added");
    project.sql("00002_b.sql", "SELECT 'two';");
    assert_eq!(project.lines(), ["1 SELECT 1;", "2 SELECT 'two';"], "a file was edited");
    fs::rename(project.file("00002_b.sql"), project.file("00003_b.sql")).unwrap();
    assert_eq!(project.lines(), ["1 SELECT 1;", "3 SELECT 'two';"], "a file was renamed");
    fs::remove_file(project.file("00003_b.sql")).unwrap();
    assert_eq!(project.lines(), ["1 SELECT 1;"], "a file was deleted");
    assert_eq!(project.build(), NOTHING, "nothing changed");

    an_edit_of_the_lock_or_the_settings_builds_again(&project);
    an_edit_with_an_old_time_is_named_as_stale(&project);
    a_build_script_left_behind_is_named(&project);
    code_that_names_a_migration_stops_compiling_when_it_goes(&project);
}

/// The example of the handles, on a copy of the repository's own migrations.
fn code_that_names_a_migration_stops_compiling_when_it_goes(project: &Project) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let example = read_file(&workspace.join("migrate-macros/examples/handles.rs"), "handles.rs").text.unwrap();
    fs::write(project.root.join("src/main.rs"), example.replace("../../migrations", "../migrations")).unwrap();
    fs::write(project.root.join("migrate.toml"), "[lint]\njudge-from = 1000\n").unwrap();
    fs::remove_file(project.file("00001_a.sql")).unwrap();
    for source in read_folder(&workspace.join("migrations"), "migrations").sources {
        fs::write(project.file(&source.file), source.text.unwrap()).unwrap();
    }
    assert_eq!(project.lines(), ["schema at 0: SMS reminders off", "schema at 20: SMS reminders on"]);
    let [named, renumbered] = ["00016_add_sms_notifications.sql", "00029_add_sms_notifications.sql"];
    fs::rename(project.file(named), project.file(renumbered)).unwrap();
    project.refused("cannot find value `V00016_add_sms_notifications` in module `schema`");
    fs::remove_file(project.file(renumbered)).unwrap();
    project.refused("cannot find value `V00016_add_sms_notifications` in module `schema`");
    fs::copy(workspace.join("migrations").join(named), project.file(named)).unwrap();
    assert_eq!(project.build(), ["app"], "it is there again");
    fs::remove_file(project.root.join("migrate.toml")).unwrap();
}

/// With a build script and without one: there the macro names both files to the compiler.
fn an_edit_of_the_lock_or_the_settings_builds_again(project: &Project) {
    let [settings, lock] = ["migrate.toml", "migrations/migrate.lock"].map(|file| project.root.join(file));
    let set = || migrate_core::check::runnable_folder(&project.root.join("migrations"), "migrations").set;
    fs::write(&settings, "").unwrap();
    fs::write(&lock, migrate_core::lock::render(&set())).unwrap();
    assert_eq!(project.build(), ["app"], "a lock was added");
    for build in [BUILD, "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n}\n"] {
        fs::write(project.root.join("build.rs"), build).unwrap();
        assert_eq!(project.build(), ["app"], "another build script");
        assert_eq!(project.build(), NOTHING, "nothing changed");
        fs::write(&settings, "[postgres]\nmin = 16\n").unwrap();
        assert_eq!(project.build(), ["app"], "the settings were edited");
        fs::write(&settings, "[postgres]\nmni = 16\n").unwrap();
        project.refused("migrate.toml:2:1");
        fs::write(&settings, "").unwrap();
        fs::write(&lock, "# nothing yet\n").unwrap();
        project.refused("migrations/migrate.lock:1:1");
        fs::write(&lock, migrate_core::lock::render(&set())).unwrap();
        assert_eq!(project.build(), ["app"], "all is well again");
    }
    fs::write(project.root.join("build.rs"), BUILD).unwrap();
    fs::remove_file(&settings).unwrap();
    fs::remove_file(&lock).unwrap();
    assert_eq!(project.build(), ["app"], "both are gone");
    assert_eq!(project.build(), NOTHING, "nothing changed");
}

/// The one change that cargo cannot see: the program says so, and what it says to run helps.
fn an_edit_with_an_old_time_is_named_as_stale(project: &Project) {
    project.sql_with_an_old_time("00001_a.sql", "SELECT 7;");
    assert_eq!(project.build(), NOTHING, "cargo sees such an edit now: the check at run time may go");
    let lines = project.lines_as_built();
    assert_eq!(lines[0], "1 SELECT 1;");
    assert!(lines[1].starts_with("this build is stale: its embedded migrations are not those of "), "{lines:?}");
    assert_eq!(lines[2], "  00001_a.sql was changed");
    let folder = project.root.join("migrations");
    assert_eq!(lines[3], format!("help: run `touch {}/*.sql` (or `cargo clean`) and build again", folder.display()));
    project.touch("migrations/00001_a.sql");
    assert_eq!(project.lines(), ["1 SELECT 7;"]);
}

/// The same edit, and something else that compiles the package: the macro reads what the build script did not.
fn a_build_script_left_behind_is_named(project: &Project) {
    project.sql_with_an_old_time("00001_a.sql", "SELECT 8;");
    project.touch("src/main.rs");
    let output = project.cargo(&["build"]);
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(messages.contains("build.rs last ran on other migrations than those in `migrations` now"), "{messages}");
    assert!(messages.contains("run `touch migrations/*.sql`"), "{messages}");
    project.touch("migrations/00001_a.sql");
    assert_eq!(project.lines(), ["1 SELECT 8;"]);
}
