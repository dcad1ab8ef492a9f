//! In which order a script makes the objects of a schema.
//!
//! An object comes behind those that it needs, as the server's own record of dependencies has it, and otherwise by kind
//! and name. Invariant: the order follows from the schema alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::{Kind, Object, Schema};

/// The positions of the objects that have statements of their own, in the order of a script.
pub(super) fn order(schema: &Schema) -> Vec<usize> {
    let makers = makers(schema);
    let mut waits: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut frees: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (first, then) in needs(schema) {
        let (first, then) = (makers[first], makers[then]);
        if first != then && is_late(&schema.objects[then]) >= is_late(&schema.objects[first]) {
            waits.entry(then).or_default().insert(first);
            frees.entry(first).or_default().push(then);
        }
    }
    let all: BTreeSet<usize> = makers.iter().copied().collect();
    let mut left: BTreeSet<usize> = all.clone();
    let free = |at: &usize, waits: &BTreeMap<usize, BTreeSet<usize>>| waits.get(at).is_none_or(BTreeSet::is_empty);
    let rank = |at: usize| Reverse((is_late(&schema.objects[at]), anchor(schema, at), at));
    let mut ready: BinaryHeap<Reverse<(bool, usize, usize)>> =
        all.iter().filter(|at| free(at, &waits)).map(|at| rank(*at)).collect();
    let mut order = Vec::with_capacity(all.len());
    while !left.is_empty() {
        // Objects that need each other in a circle: the first of them by kind and name goes ahead.
        let next = ready.pop().map(|Reverse((.., at))| at).or_else(|| left.first().copied());
        let Some(next) = next.filter(|next| left.remove(next)) else { continue };
        order.push(next);
        for then in frees.get(&next).into_iter().flatten() {
            let waiting = waits.entry(*then).or_default();
            if waiting.remove(&next) && waiting.is_empty() && left.contains(then) {
                ready.push(rank(*then));
            }
        }
    }
    order
}

/// Where among the kinds an object comes: itself, or the domain that a constraint is one of, which no table may use before it
/// has it.
fn anchor(schema: &Schema, at: usize) -> usize {
    let object = &schema.objects[at];
    if object.kind != Kind::Constraint || !object.definition.starts_with("ALTER DOMAIN ") {
        return at;
    }
    let domain = |it: &Object| it.kind == Kind::Type && Some(it.name.as_str()) == object.parent.as_deref();
    schema.objects.iter().position(domain).unwrap_or(at)
}

/// For each object the one whose statement makes it: itself, or its table.
fn makers(schema: &Schema) -> Vec<usize> {
    let all = schema.objects.iter().enumerate();
    let tables: BTreeMap<&str, usize> = all
        .clone()
        .filter(|(_, object)| object.kind == Kind::Table)
        .map(|(at, object)| (object.name.as_str(), at))
        .collect();
    let table = |object: &Object| tables.get(object.parent.as_deref()?).copied();
    all.map(|(at, object)| if is_inline(object) { table(object).unwrap_or(at) } else { at }).collect()
}

/// Whether an object is a line of the statement that makes its table.
pub(super) fn is_inline(object: &Object) -> bool {
    object.kind == Kind::Column || (object.kind == Kind::Constraint && object.definition.starts_with("CONSTRAINT "))
}

/// What comes behind everything else: its need is not recorded one by one.
fn is_late(object: &Object) -> bool {
    matches!(object.kind, Kind::Setting | Kind::Comment | Kind::Privilege | Kind::DefaultPrivilege)
}

/// The recorded needs, and those of an attached partition: both tables, and their indexes, which the server joins when
/// they are there.
fn needs(schema: &Schema) -> Vec<(usize, usize)> {
    let mut needs = schema.needs.clone();
    for (at, object) in schema.objects.iter().enumerate().filter(|(_, object)| object.kind == Kind::Partition) {
        let tables = [object.parent.as_deref(), object.target.as_deref()];
        for (other, candidate) in schema.objects.iter().enumerate() {
            let is_table = candidate.kind == Kind::Table && tables.contains(&Some(candidate.name.as_str()));
            let is_index = candidate.kind == Kind::Index && tables.contains(&candidate.parent.as_deref());
            if is_table || is_index {
                needs.push((other, at));
            }
            // The server gives it to the partitions that are there.
            let is_not_null = candidate.kind == Kind::Constraint && candidate.definition.contains(" NOT NULL ");
            if is_not_null && !is_inline(candidate) && tables.contains(&candidate.parent.as_deref()) {
                needs.push((at, other));
            }
        }
    }
    needs
}
