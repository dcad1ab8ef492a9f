//! The lines of a lock.

use super::{Entry, spelled};
use crate::diagnostic::{Code, Problem};
use crate::migration::Digest;
use crate::parse::version;
use crate::text::{Span, saturate};

const HEADER: &str =
    "# Written by `migrate lock`. A migration named here is not edited, renamed or removed any more.\n";

/// What the last line begins with. No file can have this name: names begin with a version.
const SET: &str = "set";

/// What git leaves in a file that it could not merge.
const CONFLICT: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];

const AGAIN: &str = "run `migrate lock` once the migrations are as they should be, and read what it changed";

pub(super) fn render(entries: &[Entry]) -> String {
    let mut text = HEADER.to_owned();
    for entry in entries {
        text.push_str(&format!("{} {}\n", entry.file, entry.digest));
    }
    text.push_str(&format!("{SET} {}\n", root(entries)));
    text
}

/// The same as the digest of the set that holds just these files.
fn root(entries: &[Entry]) -> Digest {
    Digest::of_parts(entries.iter().flat_map(|entry| [entry.file.as_bytes(), entry.digest.bytes()]))
}

/// The entries of a text, or the first line that is wrong.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Problem> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut complete = false;
    for (span, line) in lines(text) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if CONFLICT.iter().any(|marker| line.starts_with(marker)) {
            return Err(conflict(span));
        }
        if complete {
            return Err(problem(span, "nothing comes after the line `set`".into()));
        }
        match fields(line) {
            Some((SET, digest)) if digest == root(&entries) => complete = true,
            Some((SET, _)) => return Err(problem(span, "this line does not fit the lines above it".into())),
            Some((file, digest)) => entries.push(entry(file, digest, span, entries.last())?),
            None => return Err(problem(span, "this line is not a file's name and its SHA-256".into())),
        }
    }
    if complete { Ok(entries) } else { Err(problem(end(text), "the last line, `set SHA-256`, is missing".into())) }
}

fn entry(file: &str, digest: Digest, span: Span, above: Option<&Entry>) -> Result<Entry, Problem> {
    let Ok(version) = version(file) else {
        return Err(problem(span, format!("`{file}` is no name of a migration")));
    };
    match above {
        Some(above) if above.version >= version => {
            Err(problem(span, format!("version {version} stands below version {}", above.version)))
        }
        _ => Ok(Entry { file: spelled(file), version, digest, span }),
    }
}

/// A line's name, which may hold blanks, and its digest.
fn fields(line: &str) -> Option<(&str, Digest)> {
    let (name, digest) = line.rsplit_once(' ')?;
    Some((name, Digest::from_hex(digest)?))
}

/// Each line with its place, without its line end.
fn lines(text: &str) -> impl Iterator<Item = (Span, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line = whole.trim_end_matches(['\r', '\n']);
        let span = Span::new(saturate(start), saturate(start + line.len()));
        start += whole.len();
        (span, line)
    })
}

fn end(text: &str) -> Span {
    lines(text).last().map(|(span, _)| span).unwrap_or_default()
}

fn problem(span: Span, message: String) -> Problem {
    Problem { code: Code::BadLock, span, message, help: AGAIN.into() }
}

fn conflict(span: Span) -> Problem {
    Problem {
        code: Code::BadLock,
        span,
        message: "git could not merge this lock: both branches changed the migrations".into(),
        help: "give the migrations that are not applied anywhere the highest versions, then run `migrate lock`".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    /// A line of a file, with some digest.
    fn line(file: &str) -> String {
        format!("{file} {}\n", Digest::of_text(file))
    }

    /// The lines with the last one that fits them.
    fn whole(files: &[&str]) -> String {
        let entries: Vec<Entry> =
            files.iter().map(|file| entry(file, Digest::of_text(file), Span::default(), None).unwrap()).collect();
        render(&entries)
    }

    fn refused(text: &str) -> String {
        parse(text, "migrate.lock").unwrap_err().to_string()
    }

    #[test]
    fn a_lock_that_is_not_whole_is_refused_at_its_last_line() {
        assert_eq!(refused(""), "migrate.lock:1:1: error: the last line, `set SHA-256`, is missing [K04]");
        let cut = line("1_a.sql");
        assert!(refused(&cut).starts_with("migrate.lock:1:1: error: the last line"), "{}", refused(&cut));
    }

    #[test]
    fn every_wrong_line_is_named() {
        let good = whole(&["1_a.sql", "2_b.sql"]);
        let swap = good.replace("1_a.sql", "1_c.sql");
        let cases = [
            (swap, "4:1: error: this line does not fit the lines above it"),
            (good.replace("1_a.sql", "3_a.sql"), "3:1: error: version 2 stands below version 3"),
            (good.replace("2_b.sql", "1_b.sql"), "3:1: error: version 1 stands below version 1"),
            (good.replace("1_a.sql", "seed.sql"), "2:1: error: `seed.sql` is no name of a migration"),
            (good.replace("1_a.sql ", "1_a.sql x"), "2:1: error: this line is not a file's name and its SHA-256"),
            (format!("{good}{}", line("3_c.sql")), "5:1: error: nothing comes after the line `set`"),
        ];
        for (text, expected) in cases {
            let told = refused(&text);
            assert!(told.starts_with(&format!("migrate.lock:{expected}")), "{text}: {told}");
        }
    }

    #[test]
    fn what_git_left_unmerged_is_called_so() {
        let [ours, theirs] = [["1_a.sql", "2_b.sql"], ["1_a.sql", "2_c.sql"]].map(|files| whole(&files));
        let text = format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> theirs\n");
        let problem = parse(&text, "migrate.lock").unwrap_err();
        assert_eq!(problem.position().unwrap().line, 1);
        assert!(problem.message.contains("git could not merge this lock"), "{problem}");
        assert!(problem.help.contains("`migrate lock`"), "{}", problem.help);
    }

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        let text = format!("\n# ours\n{}\n\n", whole(&["1_a.sql"]));
        assert_eq!(parse(&text, "").unwrap().entries().len(), 1);
    }
}
