//! The deployment book against the program itself: its links and anchors, its commands, its tables.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use migrate_core::report::{EXITS, ExitRow};

use crate::cluster_tools::kubectl;
use crate::rendered::job;
use crate::stage::{Database, Ended, folder, migrate_command, names, text, workspace};

fn book() -> PathBuf {
    workspace().join("docs/book")
}

/// Every chapter, by its file.
fn chapters() -> Vec<(String, String)> {
    names(&book()).into_iter().map(|name| (name.clone(), text(&book().join(&name)))).collect()
}

/// A block of the book between two fences.
struct Block {
    /// What stands behind the first fence, such as `console run`.
    kind: String,
    /// Its lines, without the indentation of the fence.
    lines: Vec<String>,
}

impl Block {
    /// The commands of the block, without what they answer.
    fn commands(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| line.strip_prefix("$ "))
    }

    fn is_console(&self) -> bool {
        self.kind.split(' ').next() == Some("console")
    }
}

/// The blocks of a chapter, and its text without them.
fn blocks(chapter: &str) -> (Vec<Block>, String) {
    let (mut blocks, mut prose): (Vec<Block>, String) = (Vec::new(), String::new());
    let mut indent = None;
    for line in chapter.lines() {
        match (line.trim_start().strip_prefix("```"), indent) {
            (Some(kind), None) => {
                indent = Some(line.len() - line.trim_start().len());
                blocks.push(Block { kind: kind.to_owned(), lines: Vec::new() });
            }
            (Some(_), Some(_)) => indent = None,
            (None, Some(indent)) => {
                let line = line.get(indent..).unwrap_or_default().to_owned();
                blocks.last_mut().expect("a block").lines.push(line);
            }
            (None, None) => prose.push_str(&format!("{line}\n")),
        }
    }
    assert_eq!(indent, None, "a fence is not closed");
    (blocks, prose)
}

/// The anchors of a page, as GitHub makes them of its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let (_, prose) = blocks(page);
    let headings =
        prose.lines().filter_map(|line| line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// The targets of a page's links.
fn links(page: &str) -> Vec<String> {
    let (_, prose) = blocks(page);
    let starts = prose.match_indices("](").map(|(at, _)| at + 2);
    starts.map(|at| prose[at..].split(')').next().unwrap_or_default().to_owned()).collect()
}

/// The rows of a page's tables, by cell.
fn rows(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn every_link_and_every_anchor_leads_somewhere() {
    for (name, chapter) in chapters() {
        for link in links(&chapter).iter().filter(|link| !link.starts_with("http")) {
            let (path, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let target = if path.is_empty() { book().join(&name) } else { book().join(path) };
            assert!(target.exists(), "{name}: {link}");
            if let Some(anchor) = anchor {
                assert!(anchors(&text(&target)).contains(anchor), "{name}: {link}");
            }
        }
    }
}

#[test]
fn every_chapter_is_named_by_the_first_page() {
    let first = links(&text(&book().join("README.md")));
    for (name, _) in chapters().iter().filter(|(name, _)| name != "README.md") {
        assert!(first.contains(name), "{name}");
    }
}

/// The codes that a Job can fail with.
fn failures() -> impl Iterator<Item = &'static ExitRow> {
    EXITS.iter().filter(|row| row.code != 0 && row.job() != "none")
}

#[test]
fn every_failure_has_the_section_that_its_message_names_and_says_what_the_program_says() {
    let page = text(&book().join("failures.md"));
    let (anchors, rows) = (anchors(&page), rows(&page));
    let mut told = Vec::new();
    for row in failures() {
        let (code, name) = (row.code, row.name);
        assert!(anchors.contains(&format!("{code}-{name}")), "no section {code} {name}");
        let section = page.split(&format!("## {code} {name}\n")).nth(1).expect("its section");
        let section = section.split("\n## ").next().expect("its text");
        assert!(section.contains(&format!("*The database: {}.*\n", row.database)), "{code}: {section}");
        let action = if row.job() == "fail-job" { "FailJob" } else { "Count" };
        let expected =
            [&code.to_string(), &format!("[`{name}`](#{code}-{name})"), row.meaning, action].map(str::to_owned);
        told.push(expected.to_vec());
    }
    let table: Vec<_> = rows.into_iter().filter(|row| row[0].parse::<u8>().is_ok()).collect();
    assert_eq!(table, told);
}

#[test]
fn the_codes_of_the_wait_are_those_of_its_help() {
    let help = Command::new(workspace().join("deploy/wait-job.sh")).arg("--help").output().expect("the script");
    let help = String::from_utf8(help.stdout).expect("a text").replace("\n      ", " ");
    let code = |line: &str| -> Option<(String, String)> {
        let (code, meaning) = line.trim_start().split_once("  ")?;
        code.parse::<u8>().ok().map(|_| (code.to_owned(), meaning.to_owned()))
    };
    let told: Vec<_> = help.lines().filter_map(code).collect();
    let table = rows(&text(&book().join("overview.md")));
    let table: Vec<_> = table.into_iter().filter(|row| row[0].parse::<u8>().is_ok()).collect();
    let table: Vec<_> = table.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert!(told.len() > 10 && table == told, "{table:?}\n{told:?}");
}

#[test]
fn the_times_of_the_book_are_those_of_the_manifests() {
    let spec = job()["spec"].clone();
    let arguments = spec["template"]["spec"]["containers"][0]["args"].to_string();
    let script = text(&workspace().join("deploy/wait-job.sh"));
    let of = |name: &str| -> String {
        let minutes = |seconds: u64| format!("{} min", seconds / 60);
        let seconds = |value: &serde_json::Value| value.as_u64().expect("seconds");
        match name {
            "`--lock-wait`" | "`--deadline`" => {
                let value = arguments.split(&format!("{}=", name.trim_matches('`'))).nth(1).expect("the option");
                format!("{} min", value.split('m').next().expect("minutes"))
            }
            "`--timeout`" => {
                let value =
                    script.split(" timeout=").nth(1).and_then(|rest| rest.split(' ').next()).expect("its default");
                minutes(value.parse().expect("seconds"))
            }
            "`activeDeadlineSeconds`" => minutes(seconds(&spec["activeDeadlineSeconds"])),
            "`ttlSecondsAfterFinished`" => format!("{} days", seconds(&spec["ttlSecondsAfterFinished"]) / 86_400),
            "`terminationGracePeriodSeconds`" => {
                format!("{} s", seconds(&spec["template"]["spec"]["terminationGracePeriodSeconds"]))
            }
            other => panic!("a time that nothing is known of: {other}"),
        }
    };
    let page = text(&book().join("overview.md"));
    let section = page.split("## The times").nth(1).expect("the times");
    let times: Vec<_> = rows(section).into_iter().filter(|row| row[0].starts_with('`')).collect();
    assert_eq!(times.len(), 6);
    for row in times {
        assert_eq!(row[2], of(&row[0]), "{}", row[0]);
    }
}

/// A command line as a shell would split it, up to a redirection or a pipe.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in command.chars() {
        match (c, quote) {
            ('>' | '<' | '|' | '&', None) => break,
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty() && word != "2");
    words
}

/// Whether the program understands these arguments.
fn understood(arguments: &[String]) -> bool {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended: Ended = migrate_command(&arguments).arg("--help").output().expect("migrate starts").into();
    ended.code == 0
}

#[test]
fn the_program_understands_every_command_of_the_book() {
    assert!(!understood(&words("up --to soon")), "a wrong value is found");
    assert!(!understood(&words("up --until 3")), "a wrong option is found");
    let mut seen = 0;
    for (name, chapter) in chapters() {
        let (blocks, prose) = blocks(&chapter);
        let shown = blocks.iter().filter(|block| block.is_console()).flat_map(Block::commands);
        let inline = prose.split('`').skip(1).step_by(2).filter(|code| code.contains(' ') && !code.contains('…'));
        for command in shown.chain(inline) {
            let all = words(command.trim_start_matches("nohup "));
            if all[0] != "migrate" {
                continue;
            }
            assert!(understood(&all[1..]), "{name}: {command}");
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} commands");
}

#[test]
fn a_block_that_needs_a_cluster_says_so() {
    let programs = ["migrate", "nohup", "tail", "export", "pg_dump", "diff"];
    for (name, chapter) in chapters() {
        for block in blocks(&chapter).0.iter().filter(|block| block.is_console()) {
            assert!(
                ["console", "console run", "console cluster"].contains(&block.kind.as_str()),
                "{name}: {}",
                block.kind
            );
            assert!(block.commands().next().is_some(), "{name}: a console without a command");
            for command in block.commands().filter(|_| block.kind != "console cluster") {
                assert!(programs.contains(&words(command)[0].as_str()), "{name}: {command}");
            }
        }
    }
}

/// The options of `kubectl` commands are those of `kubectl`, and the files that they name are there.
#[test]
fn the_commands_that_need_a_cluster_are_those_of_a_real_kubectl() {
    let Some(kubectl) = kubectl("commands of the book") else { return };
    let mut seen = 0;
    for (name, chapter) in chapters() {
        let blocks = blocks(&chapter).0;
        for command in blocks.iter().filter(|block| block.kind == "console cluster").flat_map(Block::commands) {
            let all = words(command);
            if all[0] == "deploy/wait-job.sh" {
                assert!(workspace().join(&all[0]).is_file());
            }
            if all[0] != "kubectl" {
                continue;
            }
            seen += 1;
            let verbs = match all[1].as_str() {
                "create" if all[2] == "secret" => 4,
                "create" | "rollout" => 3,
                _ => 2,
            };
            let mut asked = Command::new(&kubectl);
            let ended: Ended = asked.args(&all[1..verbs]).arg("--help").output().expect("kubectl starts").into();
            assert_eq!(ended.code, 0, "{name}: {command}");
            for option in all.iter().filter(|word| word.starts_with('-')) {
                let option = option.split('=').next().expect("its name");
                let known = [format!("{option}="), format!("{option},")].iter().any(|form| ended.stdout.contains(form));
                assert!(known, "{name}: {command}: {option}");
            }
            if all[1] == "kustomize" {
                assert!(workspace().join(&all[2]).is_dir(), "{name}: {command}");
            }
        }
    }
    assert!(seen > 10, "only {seen} commands");
}

/// Runs the blocks of a chapter that can be run, in their order, on an empty database.
fn run_chapter(name: &str, chapter: &str) -> usize {
    let database = Database::create();
    let place = folder(&[]);
    let mut copy = Command::new("cp");
    copy.arg("-r").args(["migrations", "migrate.toml"].map(|name| workspace().join(name)));
    let copied = copy.arg(place.path()).status().expect("cp");
    assert!(copied.success());
    // The book speaks of a program with migrations built in.
    let bin = place.path().join(".bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_migrate-example"), bin.join("migrate")).expect("a link");
    let blocks = blocks(chapter).0;
    let runs = blocks.iter().filter(|block| block.kind == "console run").flat_map(Block::commands);
    let mut count = 0;
    for command in runs {
        // Without a folder they write where the program was built: into this repository.
        let writes = ["migrate create", "migrate fix", "migrate lock"].iter().any(|start| command.starts_with(start));
        assert!(!writes || command.contains("--dir "), "{name}: {command}");
        let mut shell = Command::new("sh");
        shell.args(["-ec", command]).current_dir(place.path()).env_clear().stdin(Stdio::null());
        shell.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("DATABASE_URL", &database.url);
        let ended: Ended = shell.output().expect("sh starts").into();
        assert_eq!(ended.code, 0, "{name}: {command}: {}", ended.stderr);
        count += 1;
    }
    count
}

#[test]
fn what_the_book_says_can_be_run_is_run() {
    let count: usize = chapters().iter().map(|(name, chapter)| run_chapter(name, chapter)).sum();
    assert!(count > 15, "only {count} commands");
}

#[test]
fn the_glossary_is_in_order() {
    let words: Vec<String> =
        rows(&text(&book().join("glossary.md"))).into_iter().map(|row| row[0].to_lowercase()).collect();
    assert!(words.len() > 25 && words[1..].is_sorted(), "{words:?}");
}
