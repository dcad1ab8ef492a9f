//! Adding a column: serial, identity, and what a column of that name inherits.

use crate::catalog::{Catalog, CatalogColumn, Place, QualifiedName, Relation, RelationKind};
use crate::command::{Column, ColumnType, Expression, Name, Persistence, Where};

/// Whether PostgreSQL writes a default down. One of NULL is none, unless the type's length makes a call of it.
pub(super) fn is_stored(default: &Expression, kind: Option<&ColumnType>) -> bool {
    !default.is_null || kind.is_some_and(|kind| !kind.modifiers.is_empty())
}

impl Catalog {
    /// Adds a column without its constraints; one that is there already (inherited) takes on what is new.
    pub(super) fn add_column(&mut self, table: &QualifiedName, column: &Column, place: Place) {
        let serial = column.kind.as_ref().filter(|kind| kind.is_serial());
        let mut new = CatalogColumn::named(column.name.clone(), place);
        new.kind = serial.map(integer_of).or_else(|| column.kind.clone());
        new.not_null = column.not_null || serial.is_some() || column.identity.is_some();
        new.default = column.default.clone().filter(|default| is_stored(default, new.kind.as_ref()));
        new.generated.clone_from(&column.generated);
        new.identity = column.identity;
        if serial.is_some() {
            let sequence = self.add_sequence(table, &column.name, false, place);
            new.default = Some(next_value(&sequence));
        } else if column.identity.is_some() {
            self.add_sequence(table, &column.name, true, place);
        }
        let Some(relation) = self.relations.get_mut(table) else { return };
        match relation.column_mut(&column.name) {
            Some(old) => merge(old, new),
            None => relation.columns.push(new),
        }
    }

    /// Adds the sequence of a serial or identity column and returns its name.
    pub(super) fn add_sequence(
        &mut self,
        table: &QualifiedName,
        column: &str,
        identity: bool,
        place: Place,
    ) -> QualifiedName {
        let name = self.choose_relation(table, Some(column), "seq");
        let persistence = self.relations.get(table).map_or(Persistence::Permanent, |relation| relation.persistence);
        let kind = RelationKind::Sequence { owner: Some((table.clone(), column.to_owned())), identity };
        self.put(name.clone(), Relation::new(kind, persistence, place));
        name
    }

    /// The sequences that a column owns, or all that a table's columns own.
    pub(super) fn owned_sequences(&self, table: &QualifiedName, column: Option<&str>) -> Vec<QualifiedName> {
        self.relations.names_mentioning(&table.name, |relation| match &relation.kind {
            RelationKind::Sequence { owner: Some((of, name)), .. } => {
                of == table && column.is_none_or(|column| column == name)
            }
            _ => false,
        })
    }
}

/// What a child's own definition adds to an inherited column.
pub(super) fn merge(old: &mut CatalogColumn, new: CatalogColumn) {
    old.not_null |= new.not_null;
    old.kind = new.kind.or_else(|| old.kind.take());
    old.default = new.default.or_else(|| old.default.take());
    old.generated = new.generated.or_else(|| old.generated.take());
    old.identity = new.identity.or(old.identity);
}

/// `nextval('s'::regclass)`.
fn next_value(sequence: &QualifiedName) -> Expression {
    let call = Name { schema: None, name: "nextval".to_owned(), span: Where::default() };
    let regclass = Name { schema: None, name: "regclass".to_owned(), span: Where::default() };
    Expression {
        text: format!("nextval('{sequence}'::regclass)"),
        calls: vec![call],
        types: vec![regclass],
        strings: vec![sequence.to_string()],
        ..Expression::default()
    }
}

/// The integer behind a serial.
fn integer_of(serial: &ColumnType) -> ColumnType {
    let name = match serial.name.name.as_str() {
        "bigserial" | "serial8" => "bigint",
        "smallserial" | "serial2" => "smallint",
        _ => "integer",
    };
    let name = Name { schema: None, name: name.to_owned(), span: serial.name.span };
    ColumnType { name, modifiers: Vec::new(), dimensions: 0 }
}
