//! How a connection is described, beside libpq: the same texts, variables and files, read by both.

use std::collections::{BTreeMap, BTreeSet};

use migrate_core::connection::{
    Context, Files, Gathered, Host, PARAMETERS, Parameter, Problem, Source, distrust, gather, read,
};
use migrate_core::parse::Environment;
use serde::Deserialize;

use crate::shared;

#[derive(Deserialize)]
struct Reading {
    text: String,
    values: Option<BTreeMap<String, String>>,
    error: Option<String>,
}

/// Texts that are read differently on purpose, and why.
const TEXTS: &[(&str, &str)] = &[
    ("postgres://u:a/b@h/db", "libpq takes the beginning of the password for a port, and its end for a database"),
    ("postgres://u:a@b@h/db", "libpq takes the end of the password for part of the host"),
    ("postgres://h/db?sslnegotiation=direct", "libpq knows it since 17"),
    ("postgres://h/db?load_balance_hosts=random", "libpq knows it since 16"),
    ("postgres://h/db\n", "one line end belongs to the variable or the file, not to the database's name"),
    ("postgres://u:p\n@h/db", "a URL has one line: behind it, a file may hold anything"),
    ("postgres://h/db?pool_max_conns=4", "pgx's pool has it, and it changes nothing here: it is accepted, and told"),
    (
        "postgres://h/db?search_path=a",
        "a setting of the server: it is sent with the session's options, as goose's driver does",
    ),
    ("", "no text names no database; libpq would take its defaults"),
    ("   ", "the same"),
];

#[test]
fn texts_are_read_as_libpq_reads_them() {
    let texts: Vec<Reading> =
        serde_json::from_str(&shared::text(&shared::own("vectors/connection/strings.json"))).unwrap();
    let mut different = Vec::new();
    for Reading { text, values, error } in &texts {
        let ours = read(text);
        let given = ours.as_ref().ok().map(|given| {
            given.iter().map(|(parameter, value)| (parameter.name().to_owned(), value.to_owned())).collect()
        });
        assert!(values.is_some() != error.is_some());
        if given != *values {
            different.push(text.as_str());
        }
    }
    different.sort_unstable();
    let mut expected: Vec<&str> = TEXTS.iter().map(|(text, _)| *text).collect();
    expected.sort_unstable();
    assert_eq!(different, expected);
    assert!(texts.len() >= 150, "only {} texts", texts.len());
}

#[derive(Deserialize)]
struct Scene {
    name: String,
    text: String,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    modes: BTreeMap<String, String>,
    values: Option<BTreeMap<String, String>>,
    error: Option<String>,
    warning: Option<String>,
}

impl Files for Scene {
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        Ok(path.strip_prefix('@').and_then(|name| self.files.get(name.trim_start_matches('/'))).cloned())
    }

    fn passwords(&self, path: &str) -> Result<Option<String>, String> {
        if path == "@" {
            return Err(distrust(path, false, 0o755).unwrap());
        }
        let name = path.trim_start_matches(['@', '/']);
        let mode = self.modes.get(name).map_or(0o600, |mode| u32::from_str_radix(mode, 8).unwrap());
        match (self.text(path), distrust(path, true, mode)) {
            (Ok(Some(_)), Some(why)) => Err(why),
            (text, _) => text,
        }
    }
}

impl Scene {
    fn gather(&self) -> Result<Gathered, Problem> {
        let source = Source::Argument(self.text.clone());
        let variables = Environment::from_iter(self.variables.clone());
        gather(&source, Context { variables: &variables, account: Some("root"), application_name: "migrate" }, self)
    }
}

/// Scenes that end differently on purpose, and why.
const SCENES: &[(&str, &str)] = &[
    ("an empty PGSSLMODE", "a variable that is set to nothing is not set"),
    ("an empty PGTARGETSESSIONATTRS", "the same"),
    ("a timeout that is none", "libpq refuses it too, once it waits"),
    ("a timeout with a fraction", "the same"),
    ("an empty timeout", "the same"),
    ("a timeout too large", "the same"),
    ("PGCONNECT_TIMEOUT that is none", "the same"),
    ("keepalives that are none", "libpq refuses it too, once it has a socket"),
    ("an idle time that is none", "the same"),
];

#[test]
fn texts_variables_and_files_come_together_as_in_libpq() {
    let scenes: Vec<Scene> =
        serde_json::from_str(&shared::text(&shared::own("vectors/connection/settings.json"))).unwrap();
    let mut different = Vec::new();
    for scene in &scenes {
        let same = match (scene.gather(), &scene.values) {
            (Ok(gathered), Some(values)) => {
                let warning = gathered.warning.as_ref().map(|words| format!("WARNING: {words}"));
                assert_eq!(warning, scene.warning, "{}", scene.name);
                assert_eq!(described(&gathered), expected(values), "{}", scene.name);
                true
            }
            (Err(_), None) => scene.error.is_some(),
            _ => false,
        };
        if !same {
            different.push(scene.name.as_str());
        }
    }
    let known: Vec<&str> = SCENES.iter().map(|(name, _)| *name).collect();
    assert_eq!(different.iter().filter(|name| !known.contains(name)).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(different.len(), known.len(), "{different:?}");
    assert!(scenes.len() >= 120, "only {} scenes", scenes.len());
}

/// The part of the settings that libpq's own report of them has too.
fn described(gathered: &Gathered) -> BTreeMap<&'static str, String> {
    let settings = &gathered.settings;
    let host = |host: &Host| match host {
        Host::Here => String::new(),
        Host::Name(text) | Host::Socket(text) => text.clone(),
    };
    let hosts: Vec<String> = settings.endpoints.iter().map(|endpoint| host(&endpoint.host)).collect();
    let ports: Vec<String> = settings.endpoints.iter().map(|endpoint| endpoint.port.to_string()).collect();
    let password = settings.endpoints[0].password.as_ref().map(|password| password.reveal().to_owned());
    let mut ports = ports;
    ports.dedup();
    BTreeMap::from([
        ("user", settings.user.clone()),
        ("dbname", settings.database.clone()),
        ("host", hosts.join(",")),
        ("port", ports.join(",")),
        ("password", password.unwrap_or_default()),
        ("sslmode", settings.tls.mode.name().to_owned()),
        ("options", settings.options.clone().unwrap_or_default()),
        ("application_name", settings.application_name.clone()),
    ])
}

fn expected(values: &BTreeMap<String, String>) -> BTreeMap<&'static str, String> {
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let or = |text: String, otherwise: &str| if text.trim().is_empty() { otherwise.to_owned() } else { text };
    let name = or(value("application_name"), &or(value("fallback_application_name"), "migrate"));
    BTreeMap::from([
        ("user", value("user")),
        ("dbname", value("dbname")),
        ("host", value("host")),
        ("port", or(value("port"), "5432").trim().to_owned()),
        ("password", value("password")),
        ("sslmode", or(value("sslmode"), "prefer")),
        ("options", value("options")),
        ("application_name", name),
    ])
}

/// A text with an environment and nothing else.
fn scene(text: &str, variables: &[(&str, &str)]) -> Scene {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Scene {
        name: String::new(),
        text: text.to_owned(),
        variables: variables.iter().map(own).collect(),
        files: BTreeMap::new(),
        modes: BTreeMap::new(),
        values: None,
        error: None,
        warning: None,
    }
}

#[test]
fn settings_of_the_server_go_with_the_options() {
    for (text, options) in [
        ("postgres://h/d?search_path=app", "-c search_path=app"),
        (
            "postgres://h/d?search_path=app,%20public&statement_timeout=5s",
            "-c search_path=app,\\ public -c statement_timeout=5s",
        ),
        ("postgres://h/d?TimeZone=UTC&timezone=GMT", "-c timezone=GMT"),
        ("postgres://h/d?work_mem=64MB&options=-c%20geqo%3Doff", "-c geqo=off -c work_mem=64MB"),
        ("postgres://h/d?app.tenant=a", "-c app.tenant=a"),
        ("postgres://h/d?currentSchema=a,b", "-c search_path=a,b"),
        ("postgres://h/d?schema=app", "-c search_path=\"app\""),
        ("postgres://h/d?options=-csearch_path=x", "-csearch_path=x"),
        ("postgres://h/d?options=endpoint=ep-x&sslmode=require", "endpoint=ep-x"),
        ("host=h search_path='a, b'", "-c search_path=a,\\ b"),
    ] {
        let gathered = scene(text, &[]).gather().unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(gathered.settings.options.as_deref(), Some(options), "{text}");
    }
    let beside = scene("postgres://h/d?search_path=a", &[("PGOPTIONS", "-c geqo=off")]).gather().unwrap();
    assert_eq!(beside.settings.options.as_deref(), Some("-c geqo=off -c search_path=a"));
}

#[test]
fn what_is_left_out_or_taken_for_something_else_is_told() {
    for (text, variables, words) in [
        ("postgres://h/d", &[][..], ""),
        ("host=h ", &[], ""),
        ("postgres://h/d\n", &[], "a line end behind it"),
        ("postgres://h/d\n\n", &[], "white space behind it"),
        ("postgres://h/d\r\n", &[], "a line end behind it"),
        ("postgres://h/d \u{a0}", &[], "white space behind it"),
        ("\n postgres://h/d", &[], "white space before it"),
        ("host=h\n", &[], "a line end behind it"),
        ("postgres://h/d?pool_max_conns=4", &[], "`pool_max_conns`"),
        ("postgres://h/d?currentSchema=Xq7", &[], "`currentSchema` is taken for `search_path`"),
        ("host=h", &[("PGPASSWORD", "Xq7\n")], "PGPASSWORD: a line end"),
        ("dbname=d", &[("PGHOST", "h\r\n")], "PGHOST: a line end"),
        ("host=h", &[("PGUSER", "u\n")], "PGUSER: a line end"),
        ("host=h password=p", &[("PGPASSWORD", "Xq7\n")], ""),
    ] {
        let gathered = scene(text, variables).gather().unwrap_or_else(|problem| panic!("{text:?}: {problem}"));
        let notes = gathered.notes.join("; ");
        assert!(notes.contains(words) && notes.is_empty() == words.is_empty(), "{text:?} {variables:?}: {notes}");
        assert!(!notes.contains("Xq7"), "{notes}");
        let settings = gathered.settings;
        assert!(!settings.user.ends_with('\n') && !settings.database.ends_with(char::is_whitespace), "{settings:?}");
        let password = settings.endpoints[0].password.as_ref().map(|password| password.reveal().to_owned());
        assert!(password.is_none_or(|password| !password.ends_with('\n')));
    }
}

#[test]
fn a_connection_in_the_place_of_one_of_its_parts_is_refused_and_not_repeated() {
    let url = "postgres://u:Xq7canary@h/db";
    for (name, takes) in [
        ("PGHOST", "a host's name"),
        ("PGUSER", "a user's name"),
        ("PGDATABASE", "a database's name"),
        ("PGPASSFILE", "a path"),
        ("PGSERVICEFILE", "a path"),
        ("PGSERVICE", "a service's name"),
        ("PGSSLROOTCERT", "a path"),
        ("PGSSLCERT", "a path"),
        ("PGSSLKEY", "a path"),
        ("PGSSLCRL", "a path"),
        ("SSL_CERT_FILE", "a path"),
    ] {
        for (value, looks) in [(url, "a URL"), ("h password=Xq7canary", "a password"), ("u:Xq7canary@h", "a password")]
        {
            let said = scene("port=1", &[(name, value)]).gather().unwrap_err().to_string();
            assert!(said.starts_with(name) && said.contains(looks), "{name}: {said}");
            assert!(said.contains(takes) && !said.contains("Xq7"), "{name}: {said}");
        }
    }
    for text in [
        "host=h;password=Xq7canary;user=u",
        "host=h;user=Xq7canary",
        "host=u:Xq7canary",
        "host=postgres://u:Xq7canary@h/db",
        "host=h dbname=postgres://u:Xq7canary@h/db",
        "host=h user=u;password=Xq7canary",
        "host=h sslmode=require sslrootcert=postgres://u:Xq7canary@h/db",
        "host=h service=postgres://u:Xq7canary@h/db",
    ] {
        let said = scene(text, &[]).gather().unwrap_err().to_string();
        assert!(!said.contains("Xq7"), "{text}: {said}");
    }
    let file = Source::File { name: "DATABASE_URL_FILE", path: url.to_owned() };
    let variables = Environment::default();
    let context = Context { variables: &variables, account: Some("me"), application_name: "migrate" };
    let problem = gather(&file, context, &scene("", &[])).unwrap_err();
    let said = format!("{}: {problem}", file.shown());
    assert!(said.contains("DATABASE_URL_FILE holds a URL; it takes a path") && !said.contains("Xq7"), "{said}");
}

#[test]
fn a_value_of_another_kind_is_refused_by_the_name_that_its_writer_used() {
    let problem = |text: &str, variables: &[(&str, &str)]| scene(text, variables).gather().unwrap_err().to_string();
    for (text, variables, words) in [
        ("host=h sslmode=Xq7", &[][..], "invalid value for `sslmode`: it is `disable`"),
        ("host=h", &[("PGSSLMODE", "Xq7")], "invalid value for `PGSSLMODE`"),
        ("host=h port=Xq7", &[], "`port`: it is a number from 1 to 65535"),
        ("host=h", &[("PGPORT", "tcp://Xq7")], "invalid value for `PGPORT`"),
        ("host=h requirepeer=Xq7", &[], "`requirepeer` cannot be honoured"),
        ("host=h", &[("PGREQUIREPEER", "Xq7")], "`PGREQUIREPEER` cannot be honoured"),
        ("host=h gssencmode=require", &[], "`gssencmode` cannot be honoured"),
        ("host=h sslrootcert=system sslmode=require", &[], "needs `sslmode=verify-full`"),
        ("host=h sslnegotiation=direct", &[], "needs `sslmode=require`"),
        ("host=h ssl_max_protocol_version=TLSv1.1", &[], "TLS 1.2 and 1.3"),
        ("host=a@Xq7", &[], "more than one `@`"),
        ("host=h service=s", &[("HOME", "")], "no service file defines the service `s`"),
    ] {
        let said = problem(text, variables);
        assert!(said.contains(words), "{text} {variables:?}: {said}");
        assert!(!said.contains("Xq7"), "{said}");
    }
}

#[test]
fn every_parameter_of_the_manual_is_in_the_documentation_and_no_other_is() {
    let text = shared::text(&shared::own("../../docs/connection.md"));
    for row in PARAMETERS {
        let cell = format!("| `{}` |", row.name);
        let line = text.lines().find(|line| line.starts_with(&cell));
        let line = line.unwrap_or_else(|| panic!("docs/connection.md has no row that begins with {cell}"));
        assert!(row.variable.is_empty() || line.contains(&format!("`{}`", row.variable)), "{line}");
    }
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    // What a parameter's values mean has tables of its own.
    let named: BTreeSet<&str> = rows.map(|(name, _)| name).filter(|name| Parameter::find(name).is_some()).collect();
    assert_eq!(named.len(), PARAMETERS.len());
}

#[test]
fn no_debug_form_of_anything_shows_a_password() {
    for text in ["postgres://u:Xq7canary@h/d?sslpassword=Xq7canary", "host=h password=Xq7canary"] {
        let source = Source::Argument(text.to_owned());
        let variables = Environment::default();
        let context = Context { variables: &variables, account: Some("me"), application_name: "migrate" };
        let scene: Scene = serde_json::from_str(r#"{"name":"","text":""}"#).unwrap();
        let gathered = gather(&source, context, &scene).unwrap();
        let shown = format!("{source:?} {:?} {gathered:?}", read(text).unwrap());
        assert!(shown.contains("password") && !shown.contains("q7canary"), "{shown}");
    }
}
