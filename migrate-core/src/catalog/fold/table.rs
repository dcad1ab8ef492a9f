//! `CREATE TABLE`, `CREATE TABLE … AS`, `CREATE SEQUENCE`, `CREATE STATISTICS`.

use super::naming;
use crate::catalog::{Catalog, CatalogColumn, Place, QualifiedName, Relation, RelationKind};
use crate::command::{ColumnType, CreateSequence, CreateTable, Name, Persistence, Query};

impl CatalogColumn {
    /// A column of which only the name is known.
    pub(super) const fn named(name: String, place: Place) -> Self {
        Self {
            name,
            kind: None,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            since: place,
            changed: place,
            filled: None,
        }
    }
}

impl Catalog {
    pub(super) fn create_table(&mut self, create: &CreateTable, place: Place) {
        let name = self.new_name(&create.name, create.persistence);
        if self.relations.contains_key(&name) || (create.if_not_exists && self.is_external(&name)) {
            return;
        }
        let kind = if create.foreign {
            RelationKind::ForeignTable
        } else {
            RelationKind::Table { key: create.partition_by.clone() }
        };
        let of_type = create.of_type.as_ref().and_then(|of| self.type_entry(of).known()).map(|(of, _)| of.clone());
        self.put(name.clone(), Relation { of_type, ..Relation::new(kind, create.persistence, place) });
        self.inherit(&name, create, place);
        self.like(&name, create, place);
        for column in &create.columns {
            self.add_column(&name, column, place);
        }
        let of_columns = create.columns.iter().flat_map(|column| &column.constraints);
        let constraints: Vec<_> = of_columns.chain(&create.constraints).collect();
        self.add_constraints(&name, &constraints, place);
        self.like_indexes(&name, create, place);
        if let Some(partition) = &create.partition_of {
            let parent = self.resolve_or_qualify(&partition.parent);
            self.clone_indexes(&parent, &name, place);
            self.clone_foreign_keys(&parent, &name);
        }
    }

    /// Returns the table that was made, if any was.
    pub(super) fn create_table_as(
        &mut self,
        (name, persistence): (&Name, Persistence),
        columns: &[String],
        query: &Query,
        place: Place,
    ) -> Option<QualifiedName> {
        let name = self.new_name(name, persistence);
        if self.relations.contains_key(&name) {
            return None;
        }
        let mut table = Relation::new(RelationKind::Table { key: None }, persistence, place);
        self.show(&mut table, columns, query, place);
        self.put(name.clone(), table);
        Some(name)
    }

    /// Gives a relation the columns that a query has.
    pub(super) fn show(&self, relation: &mut Relation, columns: &[String], query: &Query, place: Place) {
        let star = || self.star(query);
        let output = query.output.clone().or_else(star);
        let known = output.as_ref().map_or(0, Vec::len);
        let rest = output.iter().flatten().skip(columns.len());
        let names = columns.iter().chain(rest);
        relation.columns = names.map(|name| CatalogColumn::named(name.clone(), place)).collect();
        if let Some(output) = &output {
            for (column, kind) in relation.columns.iter_mut().zip(self.kinds(query, output)) {
                column.kind = kind;
            }
        }
        relation.complete = output.is_some() || (!columns.is_empty() && known == 0);
    }

    /// The types of a query's columns, where a column is one of the only relation that it reads, and nothing else.
    fn kinds(&self, query: &Query, output: &[String]) -> Vec<Option<ColumnType>> {
        let unknown = || vec![None; output.len()];
        let [read] = query.reads.as_slice() else { return unknown() };
        let Some((_, relation)) = self.relation(read).known() else { return unknown() };
        let kind = |name: &String| relation.column(name).and_then(|column| column.kind.clone());
        if self.star(query).is_some() {
            return output.iter().map(kind).collect();
        }
        let items = plain_items(&query.text);
        if items.len() != output.len() {
            return unknown();
        }
        items.iter().map(|item| item.as_ref().and_then(kind)).collect()
    }

    /// The columns of `SELECT * FROM one_relation`, or of `TABLE one_relation`.
    fn star(&self, query: &Query) -> Option<Vec<String>> {
        let words: Vec<String> = query.text.split_whitespace().map(str::to_lowercase).collect();
        let is_table = words.first().is_some_and(|word| word == "table");
        let plain = is_table || (words.len() >= 4 && words[..3] == ["select", "*", "from"]);
        let alone = words
            .get(if is_table { 2 } else { 4 })
            .is_none_or(|word| matches!(word.as_str(), "where" | "order" | "limit" | ";"));
        let [read] = query.reads.as_slice() else { return None };
        let (_, relation) = self.relation(read).known()?;
        let known = plain && alone && relation.complete;
        known.then(|| relation.columns.iter().map(|column| column.name.clone()).collect())
    }

    pub(super) fn create_sequence(&mut self, create: &CreateSequence, place: Place) {
        let name = self.new_name(&create.name, create.persistence);
        if self.relations.contains_key(&name) {
            return;
        }
        let owner = create.owned_by.as_ref().map(|(table, column)| (self.resolve_or_qualify(table), column.clone()));
        let kind = RelationKind::Sequence { owner, identity: false };
        self.put(name, Relation::new(kind, create.persistence, place));
    }

    /// `ALTER SEQUENCE … OWNED BY`.
    pub(super) fn own_sequence(&mut self, name: &Name, options: &[String], owned_by: Option<&(Name, String)>) {
        if !options.iter().any(|option| option.starts_with("owned by")) && owned_by.is_none() {
            return;
        }
        let new = owned_by
            .filter(|(table, _)| !table.name.eq_ignore_ascii_case("none"))
            .map(|(table, column)| (self.resolve_or_qualify(table), column.clone()));
        if let Some(RelationKind::Sequence { owner, .. }) = self.relation_mut(name).map(|relation| &mut relation.kind) {
            *owner = new;
        }
    }

    pub(super) fn create_statistics(&mut self, name: Option<&Name>, table: &Name, columns: &[String]) {
        let Some(table) = self.resolve(table) else { return };
        let taken =
            |name: &str| self.relations.mentioning(name).any(|(_, relation)| relation.statistics.contains_key(name));
        let name = name.map_or_else(
            || {
                let second = naming::joined(columns.iter().map(String::as_str));
                let labels = std::iter::once("stat".to_owned()).chain((1..).map(|number| format!("stat{number}")));
                let mut names = labels.map(|label| naming::object_name(&table.name, Some(&second), &label));
                names.find(|name| !taken(name)).unwrap_or_default()
            },
            |name| name.name.clone(),
        );
        if let Some(relation) = self.relations.get_mut(&table) {
            relation.statistics.entry(name).or_insert_with(|| columns.to_vec());
        }
    }
}

/// The items of a query's list, in order, each as the column that it is; nothing for what is more than a column.
fn plain_items(query: &str) -> Vec<Option<String>> {
    let words: Vec<&str> = query.split_whitespace().collect();
    let lower = words.join(" ").to_ascii_lowercase();
    let Some(list) = lower.strip_prefix("select").and_then(|rest| rest.split(" from ").next()) else {
        return Vec::new();
    };
    // Of anything deeper than a list of names nothing is said.
    if list.contains(['(', '\'', '"', '$']) || list.contains("--") || list.contains("/*") {
        return Vec::new();
    }
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !text.starts_with(|c: char| c.is_ascii_digit())
    };
    let column = |item: &str| {
        let item = item.split(" as ").next().unwrap_or_default().trim();
        let name = item.rsplit('.').next().unwrap_or_default();
        is_name(name).then(|| name.to_owned())
    };
    list.split(',').map(column).collect()
}
