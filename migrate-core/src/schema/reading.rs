//! The rows of the question as a schema.

use std::collections::{BTreeMap, BTreeSet};

use super::question::COLUMNS;
use super::{Kind, Object, Schema, view_text};
use crate::history::TextRow;

const KINDS: [Kind; 24] = [
    Kind::Schema,
    Kind::Extension,
    Kind::ForeignServer,
    Kind::Type,
    Kind::Sequence,
    Kind::Function,
    Kind::Table,
    Kind::Column,
    Kind::Constraint,
    Kind::Index,
    Kind::Partition,
    Kind::View,
    Kind::MaterializedView,
    Kind::Rule,
    Kind::Trigger,
    Kind::Policy,
    Kind::Setting,
    Kind::Statistics,
    Kind::Publication,
    Kind::EventTrigger,
    Kind::Other,
    Kind::Comment,
    Kind::Privilege,
    Kind::DefaultPrivilege,
];

/// What stands in the rows beside objects.
#[derive(Default)]
struct Links {
    /// The object that an address stands for, where it is not its own.
    homes: BTreeMap<String, String>,
    needs: Vec<(String, String)>,
}

/// An object on its way into the order.
struct Found {
    object: Object,
    position: i64,
    address: Option<String>,
}

/// The first server that leaves out of a view's text what need not be there.
const PLAIN_VIEWS: u32 = 160_000;

pub(super) fn read(rows: Vec<TextRow>) -> Option<Schema> {
    let mut found = Vec::new();
    let mut server = 0;
    let mut links = Links::default();
    for row in rows.into_iter().filter(|row| row.len() == COLUMNS) {
        let [word, name, parent, address, phrase, definition, target, comment, position] =
            <[Option<String>; COLUMNS]>::try_from(row).ok()?;
        let name = name?;
        match word?.as_str() {
            "needs" => links.needs.push((name, parent?)),
            "server" => server = name.parse().ok()?,
            "home" => drop(links.homes.insert(name, parent?)),
            word => {
                let within = parent.clone().unwrap_or_else(|| name.clone());
                let comment = comment.zip(phrase).map(|(text, phrase)| comment_on(&phrase, &within, &text));
                found.extend(comment.map(|object| Found { object, position: 0, address: None }));
                let Some(kind) = KINDS.into_iter().find(|kind| kind.word() == word) else { continue };
                let object = Object { kind, name, parent, definition: definition?, target };
                found.push(Found { object, position: position?.parse().ok()?, address });
            }
        }
    }
    if server < PLAIN_VIEWS {
        let is_view = |found: &&mut Found| matches!(found.object.kind, Kind::View | Kind::MaterializedView);
        for Found { object, .. } in found.iter_mut().filter(is_view) {
            object.definition = view_text::unqualified(&object.definition);
        }
    }
    (server > 0).then(|| ordered(found, &links))
}

fn comment_on(phrase: &str, within: &str, text: &str) -> Object {
    Object {
        kind: Kind::Comment,
        name: phrase.to_owned(),
        parent: Some(within.to_owned()),
        definition: format!("COMMENT ON {phrase} IS {}", crate::flight::literal(text)),
        target: None,
    }
}

/// By kind, parent and name, and the columns of a table by their place in it.
fn ordered(mut found: Vec<Found>, links: &Links) -> Schema {
    found.sort_by(|one, other| key(one).cmp(&key(other)));
    let addresses: BTreeMap<&str, usize> =
        found.iter().enumerate().filter_map(|(at, found)| Some((found.address.as_deref()?, at))).collect();
    let at = |address: &str| links.resolve(address, &addresses);
    let needs: BTreeSet<(usize, usize)> = links
        .needs
        .iter()
        .filter_map(|(one, other)| Some((at(other)?, at(one)?)))
        .filter(|(one, other)| one != other)
        .collect();
    Schema { needs: needs.into_iter().collect(), objects: found.into_iter().map(|found| found.object).collect() }
}

fn key(found: &Found) -> (Kind, Option<&str>, i64, &str) {
    let Object { kind, name, parent, .. } = &found.object;
    (*kind, parent.as_deref(), found.position, name)
}

impl Links {
    /// The object at an address, or at the one that stands for it.
    fn resolve(&self, address: &str, objects: &BTreeMap<&str, usize>) -> Option<usize> {
        let mut address = address;
        // An array of a table's rows is two steps away from the table.
        for _ in 0..4 {
            if let Some(at) = objects.get(address) {
                return Some(*at);
            }
            address = self.homes.get(address)?;
        }
        None
    }
}
