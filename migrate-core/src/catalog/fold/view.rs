//! Views and materialized views.

use crate::catalog::{Catalog, Place, Relation, RelationKind, View};
use crate::command::{CreateView, Persistence};

impl Catalog {
    pub(super) fn create_view(&mut self, create: &CreateView, place: Place) {
        let persistence = if create.temporary { Persistence::Temporary } else { Persistence::Permanent };
        let name = self.new_name(&create.name, persistence);
        let mut reads = Vec::new();
        for read in &create.query.reads {
            let resolved = self.resolve(read).or_else(|| read.schema.is_some().then(|| self.qualify(read)));
            reads.extend(resolved.filter(|resolved| !reads.contains(resolved)));
        }
        let view = View { materialized: create.materialized, query: create.query.clone(), reads };
        let old = self.relations.get(&name);
        let replaces = old.is_some_and(|old| create.or_replace && matches!(&old.kind, RelationKind::View(_)));
        if old.is_some() && !replaces {
            return;
        }
        let mut relation = Relation::new(RelationKind::View(view), persistence, place);
        self.show(&mut relation, &create.columns, &create.query, place);
        relation.unpopulated = !create.with_data;
        if let Some(old) = self.relations.get_mut(&name) {
            relation.triggers = std::mem::take(&mut old.triggers);
            relation.trigger_columns = std::mem::take(&mut old.trigger_columns);
            relation.rules = std::mem::take(&mut old.rules);
        }
        self.put(name, relation);
    }
}
