//! What `embed!` costs in the edit-build loop: a development rebuild after one migration was edited, beside the same
//! crate with `include_str!` alone, which reads and checks nothing.
//!
//! `cargo bench -p migrate-macros --bench rebuild` prints medians of one run on one machine.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Rebuilds of each kind; the median is printed.
const ROUNDS: usize = 7;

/// The two crates that are compared.
#[derive(Clone, Copy)]
enum Contents {
    IncludeStr,
    Embed,
}

fn main() {
    println!(
        "{:>6} {:>10} {:>13} {:>10} {:>12} {:>12}",
        "files", "statements", "include_str!", "embed!", "difference", "no change"
    );
    for files in [100, 1000] {
        let plain = Project::new(Contents::IncludeStr, files);
        let embed = Project::new(Contents::Embed, files);
        let (plain, embed) = (plain.rebuilds(), embed.rebuilds());
        println!(
            "{files:>6} {:>10} {:>11.2} s {:>8.2} s {:>10.2} s {:>10.2} s",
            files * STATEMENTS,
            plain.edited.as_secs_f64(),
            embed.edited.as_secs_f64(),
            embed.edited.as_secs_f64() - plain.edited.as_secs_f64(),
            embed.unchanged.as_secs_f64(),
        );
    }
}

/// What was measured.
struct Rebuilds {
    edited: Duration,
    unchanged: Duration,
}

/// A package outside the workspace, with its own target folder.
struct Project {
    root: PathBuf,
    files: usize,
}

impl Project {
    fn new(contents: Contents, files: usize) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let name = match contents {
            Contents::IncludeStr => "plain",
            Contents::Embed => "embed",
        };
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild-bench").join(name);
        for folder in ["src", "migrations"] {
            let _ = fs::remove_dir_all(root.join(folder));
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let project = Self { root, files };
        fs::write(project.root.join("Cargo.toml"), manifest(workspace, contents)).unwrap();
        fs::copy(workspace.join("Cargo.lock"), project.root.join("Cargo.lock")).unwrap();
        let build = match contents {
            Contents::IncludeStr => "fn main() {}\n",
            Contents::Embed => "fn main() {\n    migrate_core::build::watch(\"migrations\");\n}\n",
        };
        fs::write(project.root.join("build.rs"), build).unwrap();
        for number in 1..=files {
            fs::write(project.file(number), migration(number)).unwrap();
        }
        fs::write(project.root.join("src/main.rs"), project.program(contents)).unwrap();
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
            Contents::Embed => "fn main() {\n    let set = migrate_macros::embed!(\"../migrations\");\n    \
                                println!(\"{}\", set.migrations.len());\n}\n"
                .to_owned(),
        }
    }

    /// Builds, edits the last file, builds again.
    fn rebuilds(&self) -> Rebuilds {
        self.build();
        let mut edited = Vec::new();
        let mut unchanged = Vec::new();
        for round in 0..ROUNDS {
            fs::write(self.file(self.files), format!("{}-- edit {round}\n", migration(self.files))).unwrap();
            edited.push(self.build());
            unchanged.push(self.build());
        }
        Rebuilds { edited: median(edited), unchanged: median(unchanged) }
    }

    fn build(&self) -> Duration {
        let began = Instant::now();
        let output = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet"])
            .current_dir(&self.root)
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

/// The profile is the one that the README tells users to copy.
fn manifest(workspace: &Path, contents: Contents) -> String {
    let (name, dependencies) = match contents {
        Contents::IncludeStr => ("plain", String::new()),
        Contents::Embed => {
            let path =
                |name: &str| format!("{{ path = '{}', default-features = false }}", workspace.join(name).display());
            let (core, macros) = (path("migrate-core"), path("migrate-macros"));
            let text = format!(
                "[dependencies]\nmigrate-core = {core}\nmigrate-macros = {macros}\n\n[build-dependencies]\nmigrate-core = {core}\n\n{}",
                profile(workspace)
            );
            ("embed", text)
        }
    };
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n{dependencies}")
}

/// The lines of the workspace's manifest between the two marks.
#[expect(clippy::disallowed_methods, reason = "a manifest is no migration source")]
fn profile(workspace: &Path) -> String {
    let manifest = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let lines =
        manifest.lines().skip_while(|line| *line != "# embed! begin").take_while(|line| *line != "# embed! end");
    std::iter::once("[profile.dev.package]").chain(lines.skip(1)).collect::<Vec<_>>().join("\n") + "\n"
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
