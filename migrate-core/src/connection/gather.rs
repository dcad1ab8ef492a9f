//! From the place that names a database to settings: which files are asked, and in which order.

use super::layers::Layers;
use super::problem::Problem;
use super::settings::{Settings, settings};
use super::{Given, Source, misplaced, service, shape};
use crate::parse::Environment;

/// What is known of the one who connects.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The environment.
    pub variables: &'a Environment,
    /// The name of the account that runs this program, where it has one.
    pub account: Option<&'a str>,
    /// How this program calls itself, unless somebody says otherwise.
    pub application_name: &'a str,
}

/// The files that a connection is described in.
pub trait Files {
    /// The text of a file; nothing when it is not there.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn text(&self, path: &str) -> Result<Option<String>, String>;

    /// The text of a password file; nothing when it is not there or cannot be read.
    ///
    /// # Errors
    /// Why it is not to be trusted, in the words of [`distrust`](super::distrust).
    fn passwords(&self, path: &str) -> Result<Option<String>, String>;
}

/// Settings, and what has to be said about how they came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// The settings, passwords included.
    pub settings: Settings,
    /// A password file that was not used, in libpq's words.
    pub warning: Option<String>,
    /// What was left out or taken for something else.
    pub notes: Vec<String>,
}

/// Reads everything that describes the connection, and decides.
///
/// # Errors
/// The first thing that cannot be used.
pub fn gather(source: &Source, context: Context<'_>, files: &dyn Files) -> Result<Gathered, Problem> {
    let (text, mut notes) = read_source(source, files)?;
    let Context { variables, account, application_name } = context;
    let (given, nothing) = (&text, Given::default());
    let layers = Layers { text: given, service: &nothing, variables, account, application_name };
    // A service's name and its file's are shown when there are none.
    misplaced::refuse(&layers)?;
    let service = find_service(given, variables, files)?;
    let layers = Layers { service: &service, ..layers };
    misplaced::refuse(&layers)?;
    let mut settings = settings(&layers)?;
    notes.extend(source.passed_over(variables));
    notes.extend(layers.notes());
    let passwords = settings.password_file.as_deref().map_or(Ok(None), |path| files.passwords(path));
    if let Ok(Some(text)) = &passwords {
        settings.take_passwords(text);
    }
    Ok(Gathered { settings, warning: passwords.err(), notes })
}

/// What the text of a source gives, and what has to be said about it.
fn read_source(source: &Source, files: &dyn Files) -> Result<(Given, Vec<String>), Problem> {
    let in_file;
    let text = match source {
        Source::Argument(text) | Source::Variable { text, .. } => text,
        Source::File { name, path } => {
            misplaced::refuse_path(name, path)?;
            in_file = needed(files, path)?;
            &in_file
        }
        Source::Parts => return Ok((Given::default(), Vec::new())),
    };
    let given = super::read(text)?;
    let (_, left_out) = shape::tidied(text);
    let notes = left_out.into_iter().chain(given.notes().iter().map(String::as_str));
    let notes = notes.map(|note| format!("{}: {note}", source.shown())).collect();
    Ok((given, notes))
}

fn needed(files: &dyn Files, path: &str) -> Result<String, Problem> {
    let unreadable = |why: String| Problem::File { path: path.to_owned(), why };
    files.text(path).map_err(unreadable)?.ok_or_else(|| unreadable("there is no such file".to_owned()))
}

/// The parameters of the service that is asked for; none when none is.
fn find_service(text: &Given, variables: &Environment, files: &dyn Files) -> Result<Given, Problem> {
    let Some(query) = service::query(text, variables) else { return Ok(Given::default()) };
    for file in query.files {
        let text = if file.named { Some(needed(files, &file.path)?) } else { files.text(&file.path).ok().flatten() };
        let Some(text) = text else { continue };
        if let Some(given) = service::read(&text, &file.path, &query.name)? {
            return Ok(given);
        }
    }
    Err(Problem::NoService(query.name))
}
