//! A schema as the text that its fingerprint is made of.

use super::Schema;

/// Every object with its kind, its parent, its name and its definition, each on lines of its own.
pub(super) fn text(schema: &Schema) -> String {
    let mut text = String::new();
    for object in &schema.objects {
        let parent = object.parent.as_deref().unwrap_or_default();
        // Lengths keep two different lists of objects from having one text.
        let parts = [object.kind.word(), parent, &object.name, &object.definition];
        for part in parts {
            text.push_str(&format!("{} {part}\n", part.len()));
        }
    }
    text
}
