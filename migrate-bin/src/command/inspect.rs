//! `inspect`: how a migration is read, statement by statement, and what each does; or why goose would refuse it.

mod picture;
mod step;

use std::borrow::Cow;
use std::path::Path;

use migrate_core::catalog::Catalog;
use migrate_core::diagnostic::{Code, Diagnostic};
use migrate_core::lint::{Settings, pass, schema_before};
use migrate_core::migration::{Body, Digest, Migration, Origin, Set, Version};
use migrate_core::parse::{parse, read_folder, version};
use migrate_core::report::{Exit, Failure};

use self::picture::{Picture, Values};
use super::Ended;
use super::migrations::{is_error, load, parse_file};
use super::settings::{settings, settings_from, start};
use crate::arguments::{Form, Shared};
use crate::console::Console;
use crate::environment;
use crate::trouble::Trouble;

pub(super) fn run(shared: &Shared, embedded: &'static Set, which: Option<&str>, console: &mut Console) -> Ended {
    let environment = environment::variables();
    let values = Values { environment: &environment, dialect: shared.envsub };
    if let Some(file) = which.filter(|which| is_path(which)) {
        return inspect_file(shared, Path::new(file), values, console);
    }
    let config = settings(shared, embedded)?.map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let settings = Settings::from_config(&config);
    let set = load(shared, embedded, console)?;
    let pictures = match which {
        None => whole_set(&set, values, &settings),
        Some(which) => {
            let migration = find(&set, which)?;
            let before = schema_before(&filled(&set, values), migration.version, &settings);
            vec![picture_of(&set, migration, values).step_after(&before, &settings)]
        }
    };
    match (console.output, which) {
        (Form::Json, None) => {
            console.json(&pictures.iter().map(|picture| picture.json(&picture.problems())).collect::<Vec<_>>());
        }
        (Form::Json, Some(_)) => pictures.iter().for_each(|picture| console.json(&picture.json(&picture.problems()))),
        (Form::Text, _) => pictures.iter().for_each(|picture| console.data(&picture.text(&settings))),
    }
    let refusals: Vec<Diagnostic> = pictures.iter().flat_map(Picture::refusals).cloned().collect();
    if refusals.is_empty() { Ok(Exit::Ok) } else { Err(Trouble::Diagnostics(refusals)) }
}

fn is_path(which: &str) -> bool {
    Path::new(which).extension().is_some_and(|extension| extension == "sql")
        || which.contains('/')
        || Path::new(which).is_file()
}

fn find<'a>(set: &'a Set, which: &str) -> Result<&'a Migration, Failure> {
    let by_number = which.parse().ok().and_then(|number| set.find(Version(number)));
    by_number.or_else(|| set.migrations.iter().find(|migration| migration.name() == which)).ok_or_else(|| {
        let help = format!("give a file, a version or a name; the latest version of this set is {}", set.latest());
        Failure::new(Exit::Usage, format!("there is no migration `{}`", which.escape_debug()), help)
    })
}

fn picture_of(set: &Set, migration: &Migration, values: Values<'_>) -> Picture {
    let dialect = match migration.body {
        Body::Deferred(dialect) => dialect.or(values.dialect),
        Body::Split { .. } => values.dialect,
    };
    Picture::new(&migration.file, set.path_of(migration), &migration.text, Values { dialect, ..values })
}

/// Every migration, each from the schema that those before it leave.
fn whole_set(set: &Set, values: Values<'_>, settings: &Settings) -> Vec<Picture> {
    let mut before = Catalog::new(settings.external.clone());
    let filled = filled(set, values);
    let pictures = filled.migrations.iter().map(|migration| {
        let picture = picture_of(set, migration, values).step_after(&before, settings);
        pass(migration, &mut before);
        picture
    });
    pictures.collect()
}

/// The set with the values of its variables filled in, where they are known: what its files make is then known too.
fn filled(set: &Set, values: Values<'_>) -> Set {
    let fill = |migration: &Migration| {
        let picture = picture_of(set, migration, values);
        if picture.refused() {
            migration.clone()
        } else {
            Migration { file: migration.file.clone(), ..picture.migration() }
        }
    };
    Set { migrations: set.migrations.iter().map(fill).collect(), ..set.clone() }
}

fn inspect_file(shared: &Shared, path: &Path, values: Values<'_>, console: &mut Console) -> Ended {
    let folder = start(path);
    let config = settings_from(shared, &folder)?.map_err(|problem| Trouble::Diagnostics(vec![*problem]))?;
    let settings = Settings::from_config(&config);
    let (parsed, text) = parse_file(path, shared.envsub);
    let Some(text) = text else { return Err(Trouble::Diagnostics(parsed.diagnostics)) };
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let picture = Picture::new(&file, path.display().to_string(), &text, values);
    let picture = picture.step_from(&siblings(&folder, &file, values), &settings);
    match console.output {
        Form::Json => console.json(&picture.json(&parsed.diagnostics)),
        Form::Text => console.data(&picture.text(&settings)),
    }
    // A file of any name may be looked at; only a folder of migrations needs versions.
    let mut diagnostics = parsed.diagnostics;
    diagnostics.retain(|diagnostic| diagnostic.code != Code::BadName);
    if picture.refused() || diagnostics.iter().any(is_error) {
        // Values may break a file that is fine without them.
        if !diagnostics.iter().any(is_error) {
            diagnostics.extend(picture.refusals().cloned());
        }
        return Err(Trouble::Diagnostics(diagnostics));
    }
    console.diagnostics(&diagnostics);
    Ok(Exit::Ok)
}

/// The migrations beside a file; none where its name has no version, because it is part of no set then.
fn siblings(folder: &Path, file: &str, values: Values<'_>) -> Set {
    if version(file).is_ok() {
        return filled(&parse(read_folder(folder, &folder.display().to_string())).set, values);
    }
    let origin = Origin { folder: Cow::Borrowed(""), shown: Cow::Borrowed("") };
    Set {
        migrations: Cow::Borrowed(&[]),
        digest: Digest::of_parts([]),
        origin,
        release: Cow::Borrowed(""),
        revision: Cow::Borrowed(""),
    }
}
