//! The gate on real servers: which databases it opens for which releases, and that asking disturbs nobody.

mod command;
mod crowd;
mod floor;
mod states;
mod surroundings;

use std::fmt::Write as _;

use migrate_core::gate::{Gate, State, Verdict};
use migrate_core::migration::{Set, Version};
use migrate_core::parse::{Folder, Source, parse};
use tokio_postgres::NoTls;

/// A migration that makes a table named after its version.
fn file(version: i64) -> (String, String) {
    let up = format!("CREATE TABLE t{version} (id int);");
    (format!("{version:05}_t{version}.sql"), format!("-- +goose Up\n{up}\n-- +goose Down\nDROP TABLE t{version};\n"))
}

/// The files of a release with these versions, in a folder.
fn release(versions: &[i64]) -> tempfile::TempDir {
    let files: Vec<(String, String)> = versions.iter().copied().map(file).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    crate::stage::folder(&files)
}

/// The same as the set that such a release was compiled with.
fn set(versions: &[i64]) -> Set {
    let source = |(file, text): (String, String)| Source { file, text: Ok(text) };
    let sources = versions.iter().copied().map(file).map(source).collect();
    let parsed = parse(Folder { path: "m".into(), shown: "m".into(), sources, diagnostics: vec![] });
    assert_eq!(parsed.diagnostics, []);
    parsed.set
}

/// Asks as a release does that uses `tokio-postgres`; `before` is run first in the same session.
fn ask(url: &str, before: &str, gate: &Gate<'_>) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        let driver = tokio::spawn(connection);
        client.batch_execute(before).await.expect("what comes before");
        let verdict = gate.check_client(&client).await;
        drop(client);
        let _ended = driver.await;
        verdict
    })
}

/// A state in a word, with the versions that it is about.
fn told(verdict: &Verdict) -> String {
    let mut text = verdict.state.word().to_owned();
    let (State::Behind { missing: versions } | State::OkAhead { extra: versions } | State::Ahead { extra: versions }) =
        &verdict.state
    else {
        return text;
    };
    for Version(version) in versions {
        let _written = write!(text, " {version}");
    }
    text
}
