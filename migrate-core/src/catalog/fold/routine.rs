//! Functions and triggers.

use crate::catalog::{Catalog, Function, Place, QualifiedName, Relation, RelationKind};
use crate::command::{AlterFunction, CreateFunction, CreateTrigger, Name};

impl Catalog {
    pub(super) fn create_function(&mut self, create: &CreateFunction, place: Place) {
        let name = self.qualify(&create.name);
        let function = Function {
            arguments: create.arguments.clone(),
            argument_names: create.argument_names.clone(),
            returns: create.returns.clone(),
            volatility: create.volatility,
            language: create.language.clone(),
            body: create.body.clone(),
            since: place,
        };
        self.dropped.functions.remove(&name);
        let Some(overloads) = self.functions.or_default(&name) else { return };
        match overloads.iter_mut().find(|other| other.arguments == function.arguments) {
            Some(old) if create.or_replace => *old = function,
            Some(_) => {}
            None => overloads.push(function),
        }
    }

    pub(super) fn alter_function(&mut self, alter: &AlterFunction) {
        let Some((name, _)) = self.function(&alter.name).known() else { return };
        let name = name.clone();
        if let (Some(volatility), Some(functions)) = (alter.volatility, self.functions.get_mut(&name)) {
            for function in functions {
                function.volatility = volatility;
            }
        }
        if let Some(schema) = &alter.schema {
            let new = QualifiedName { schema: schema.clone(), name: name.name.clone() };
            self.move_functions(&name, &new);
        }
    }

    /// Gives all functions of a name another one; triggers follow.
    pub(super) fn move_functions(&mut self, old: &QualifiedName, new: &QualifiedName) {
        let Some(functions) = self.functions.remove(old) else { return };
        self.functions.or_default(new).into_iter().for_each(|all| all.extend(functions.iter().cloned()));
        self.dropped.functions.insert(old.clone(), ());
        self.dropped.functions.remove(new);
        let calls = |function: &Option<QualifiedName>| function.as_ref() == Some(old);
        self.relations.change_mentioning(
            &old.name,
            |relation| relation.triggers.values().any(calls),
            |relation| {
                let found = relation.triggers.values_mut().filter(|function| calls(function));
                found.for_each(|function| *function = Some(new.clone()));
            },
        );
    }

    /// Drops the overload with these arguments, or the only one.
    pub(super) fn drop_function(&mut self, name: &Name, arguments: Option<&[String]>) {
        let Some((found, functions)) = self.function(name).known() else { return };
        let found = found.clone();
        let exact = |function: &Function| arguments.is_some_and(|arguments| function.arguments == arguments);
        let alike =
            |function: &Function| arguments.is_some_and(|arguments| function.arguments.len() == arguments.len());
        let only_alike = functions.iter().filter(|function| alike(function)).count() == 1;
        let at = functions.iter().position(exact).or_else(|| {
            let any = arguments.is_none() && functions.len() == 1;
            if any { Some(0) } else { functions.iter().position(alike).filter(|_| only_alike) }
        });
        let last = functions.len() == 1;
        match at {
            Some(_) if last => self.drop_overloads(&found),
            Some(at) => {
                if let Some(functions) = self.functions.get_mut(&found) {
                    functions.remove(at);
                }
            }
            None => {}
        }
    }

    /// Drops all functions of a name, with the triggers, defaults, constraints, indexes and views that call them.
    pub(super) fn drop_overloads(&mut self, name: &QualifiedName) {
        if self.functions.remove(name).is_none() {
            return;
        }
        self.dropped.functions.insert(name.clone(), ());
        let calls =
            |call: &Name| call.name == name.name && call.schema.as_ref().is_none_or(|schema| *schema == name.schema);
        self.drop_defaults(&name.name, |default| default.calls.iter().any(calls));
        let forget = |relation: &mut Relation| {
            relation.triggers.retain(|_, function| function.as_ref() != Some(name));
            relation.policies.retain(|_, uses| !uses.iter().any(|one| one.calls.iter().any(calls)));
            relation.constraints.retain(|constraint| match &constraint.kind {
                crate::command::ConstraintKind::Check { expression, .. } => !expression.calls.iter().any(calls),
                _ => true,
            });
        };
        self.relations.change_mentioning(&name.name, |_| true, forget);
        let dies = |relation: &Relation| match &relation.kind {
            RelationKind::Index(index) => {
                index.expressions.iter().chain(&index.predicate).any(|one| one.calls.iter().any(calls))
            }
            RelationKind::View(view) => view.query.calls.iter().any(calls),
            _ => false,
        };
        for relation in self.relations.names_mentioning(&name.name, dies) {
            self.drop_relation(&relation);
        }
    }

    /// Drops the functions that take or return a type.
    pub(super) fn drop_functions_with_type(&mut self, kind: &QualifiedName) {
        let is = |text: &String| {
            let plain = text.trim_start_matches("setof ").trim_end_matches("[]");
            plain == kind.name || plain == format!("{}.{}", kind.schema, kind.name)
        };
        let needs = |function: &Function| function.arguments.iter().any(is) || is(&function.returns);
        let about = self.functions.iter().filter(|(_, functions)| functions.iter().any(needs));
        let about: Vec<QualifiedName> = about.map(|(name, _)| name.clone()).collect();
        for name in about {
            let Some(functions) = self.functions.get_mut(&name) else { continue };
            if functions.iter().all(needs) {
                self.drop_overloads(&name);
            } else {
                functions.retain(|function| !needs(function));
            }
        }
    }

    pub(super) fn create_trigger(&mut self, create: &CreateTrigger) {
        let Some(table) = self.resolve(&create.table) else { return };
        let function = create.function.as_ref().map(|function| match self.function(function).known() {
            Some((found, _)) => found.clone(),
            None => self.qualify(function),
        });
        for member in self.family(&table, !self.relations.get(&table).is_some_and(Relation::is_partitioned)) {
            let Some(relation) = self.relations.get_mut(&member) else { continue };
            add_trigger(relation, create, function.clone());
        }
    }
}

fn add_trigger(relation: &mut Relation, create: &CreateTrigger, function: Option<QualifiedName>) {
    if relation.triggers.contains_key(&create.name) && !create.or_replace {
        return;
    }
    let tested = create.when.iter().flat_map(|condition| &condition.columns);
    relation.trigger_columns.insert(create.name.clone(), create.columns.iter().chain(tested).cloned().collect());
    relation.triggers.insert(create.name.clone(), function);
}
