//! What `embed!` costs in the edit-build loop: a rebuild after one migration was edited, for development and for release,
//! beside the same crate with `sqlx::migrate!`, which reads and digests the files and checks nothing, and with `include_str!` alone.
//!
//! `cargo bench -p migrate-macros --bench rebuild` prints medians of one run on one machine; the three take turns. Each has
//! the profile that its own documents tell users to write.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Rebuilds of each kind; the median is printed.
const ROUNDS: usize = 7;

/// What is built.
#[derive(Clone, Copy)]
enum Profile {
    Dev,
    Release,
}

impl Profile {
    const ALL: [Self; 2] = [Self::Dev, Self::Release];

    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// What the crates that are compared hold.
#[derive(Clone, Copy)]
enum Contents {
    IncludeStr,
    Sqlx,
    Embed,
}

impl Contents {
    const ALL: [Self; 3] = [Self::IncludeStr, Self::Sqlx, Self::Embed];

    fn name(self) -> &'static str {
        match self {
            Self::IncludeStr => "plain",
            Self::Sqlx => "sqlx",
            Self::Embed => "embed",
        }
    }
}

fn main() {
    let titles = ["include_str!", "migrate!", "embed!", "of migrate!", "no change"];
    println!("{:>8} {:>6} {:>10} {}", "profile", "files", "statements", titles.map(|it| format!("{it:>13}")).concat());
    for files in [100, 1000] {
        let projects = Contents::ALL.map(|contents| Project::new(contents, files));
        for profile in Profile::ALL {
            let [plain, sqlx, embed] = rebuilds(&projects, profile);
            let unchanged = median((0..ROUNDS).map(|_| projects[Contents::Embed as usize].build(profile)).collect());
            let seconds = |time: Duration| format!("{:>11.2} s", time.as_secs_f64());
            let ratio = format!("{:>13.2}", embed.as_secs_f64() / sqlx.as_secs_f64());
            let columns = [seconds(plain), seconds(sqlx), seconds(embed), ratio, seconds(unchanged)];
            println!("{:>8} {files:>6} {:>10} {}", profile.name(), files * STATEMENTS, columns.concat());
        }
    }
}

/// Edits the last file of each and builds it again, in turn.
fn rebuilds(projects: &[Project; 3], profile: Profile) -> [Duration; 3] {
    let mut edited = [const { Vec::new() }; 3];
    for project in projects {
        project.build(profile);
    }
    for round in 0..ROUNDS {
        for (project, times) in projects.iter().zip(&mut edited) {
            project.edit(round);
            times.push(project.build(profile));
        }
    }
    edited.map(median)
}

/// A package outside the workspace, with its own target folder.
struct Project {
    root: PathBuf,
    files: usize,
}

impl Project {
    fn new(contents: Contents, files: usize) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild-bench").join(contents.name());
        for folder in ["src", "migrations"] {
            let _ = fs::remove_dir_all(root.join(folder));
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let project = Self { root, files };
        fs::write(project.root.join("Cargo.toml"), manifest(workspace, contents)).unwrap();
        fs::copy(workspace.join("Cargo.lock"), project.root.join("Cargo.lock")).unwrap();
        let build = match contents {
            Contents::IncludeStr => "fn main() {}\n",
            Contents::Sqlx => "fn main() {\n    println!(\"cargo:rerun-if-changed=migrations\");\n}\n",
            Contents::Embed => "fn main() {\n    migrate_core::build::watch(\"migrations\");\n}\n",
        };
        fs::write(project.root.join("build.rs"), build).unwrap();
        for number in 1..=files {
            fs::write(project.file(number), migration(number)).unwrap();
        }
        fs::write(project.root.join("src/main.rs"), project.program(contents)).unwrap();
        if matches!(contents, Contents::Sqlx) {
            // It is no dependency of the workspace, so nothing has fetched what its lock names.
            let fetched = Command::new(env!("CARGO")).args(["fetch", "--quiet"]).current_dir(&project.root).status();
            assert!(fetched.unwrap().success(), "sqlx cannot be fetched");
        }
        project
    }

    fn file(&self, number: usize) -> PathBuf {
        self.root.join(format!("migrations/{number:05}_change.sql"))
    }

    fn program(&self, contents: Contents) -> String {
        match contents {
            Contents::IncludeStr => {
                let text = |number| format!("    include_str!(\"../migrations/{number:05}_change.sql\"),\n");
                let texts = (1..=self.files).map(text).collect::<Vec<_>>().concat();
                format!(
                    "static TEXTS: &[&str] = &[\n{texts}];\n\nfn main() {{\n    println!(\"{{}}\", TEXTS.len());\n}}\n"
                )
            }
            Contents::Sqlx => {
                "static SET: sqlx::migrate::Migrator = sqlx::migrate!(\"./migrations\");\n\nfn main() {\n    \
                               println!(\"{}\", SET.iter().count());\n}\n"
                    .to_owned()
            }
            Contents::Embed => "fn main() {\n    let set = migrate_macros::embed!(\"../migrations\");\n    \
                                println!(\"{}\", set.migrations.len());\n}\n"
                .to_owned(),
        }
    }

    fn edit(&self, round: usize) {
        fs::write(self.file(self.files), format!("{}-- edit {round}\n", migration(self.files))).unwrap();
    }

    fn build(&self, profile: Profile) -> Duration {
        let began = Instant::now();
        let output = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet", "--profile", profile.name()])
            .current_dir(&self.root)
            // As a user builds, whatever this run itself was started with.
            .env_remove("CARGO_INCREMENTAL")
            .env("CARGO_TARGET_DIR", self.root.parent().unwrap().join("target"))
            .output()
            .unwrap();
        let took = began.elapsed();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        took
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn manifest(workspace: &Path, contents: Contents) -> String {
    let dependencies = match contents {
        Contents::IncludeStr => String::new(),
        Contents::Sqlx => {
            "[dependencies]\nsqlx = { version = '0.8', default-features = false, features = ['macros', 'migrate'] }\n\n\
                           [profile.dev.package.sqlx-macros]\nopt-level = 3\n\n[profile.release.package.sqlx-macros]\nopt-level = 3\n"
                .to_owned()
        }
        Contents::Embed => {
            let path =
                |name: &str| format!("{{ path = '{}', default-features = false }}", workspace.join(name).display());
            let (core, macros) = (path("migrate-core"), path("migrate-macros"));
            format!(
                "[dependencies]\nmigrate-core = {core}\nmigrate-macros = {macros}\n\n[build-dependencies]\nmigrate-core = {core}\n\n{}",
                profile(workspace)
            )
        }
    };
    let name = contents.name();
    format!(
        "[package]\nname = \"{name}-bench\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n{dependencies}"
    )
}

/// The lines of the workspace's manifest between the two marks, for both profiles.
#[expect(clippy::disallowed_methods, reason = "a manifest is no migration source")]
fn profile(workspace: &Path) -> String {
    let manifest = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let lines =
        manifest.lines().skip_while(|line| *line != "# embed! begin").take_while(|line| *line != "# embed! end");
    let lines = lines.skip(1).collect::<Vec<_>>().join("\n");
    format!("[profile.dev.package]\n{lines}\n\n[profile.release.package]\n{lines}\n")
}

/// How many statements [`migration`] writes in both sections together.
const STATEMENTS: usize = 7;

/// A migration as real ones are: a table, its index, a function, data.
fn migration(number: usize) -> String {
    format!(
        "-- +goose Up\n\
         CREATE TABLE item_{number} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    name text NOT NULL,\n    \
         price numeric(10, 2) NOT NULL DEFAULT 0 CHECK (price >= 0),\n    created_at timestamptz NOT NULL DEFAULT now()\n);\n\
         CREATE INDEX item_{number}_name_idx ON item_{number} (name);\n\
         COMMENT ON TABLE item_{number} IS 'Things of kind {number}.';\n\
         -- +goose StatementBegin\n\
         CREATE FUNCTION count_{number}() RETURNS bigint LANGUAGE plpgsql AS $$\nBEGIN\n    RETURN (SELECT count(*) FROM item_{number});\nEND;\n$$;\n\
         -- +goose StatementEnd\n\
         INSERT INTO item_{number} (name, price) VALUES ('first', 1.5), ('second', 2.5);\n\n\
         -- +goose Down\n\
         DROP FUNCTION count_{number}();\n\
         DROP TABLE item_{number};\n"
    )
}
