//! `schema`: everything in a database, or everything that the migrations make, as SQL, JSON or a diagram.

use migrate_core::apply::{self, Means};
use migrate_core::connection::Access;
use migrate_core::flight::TableName;
use migrate_core::migration::Set;
use migrate_core::plan::{Goal, Order};
use migrate_core::report::{Exit, Failure};
use migrate_core::schema::{Schema, mermaid, script};
use migrate_core::verify::Doors as _;
use serde_json::{Value, json};

use super::Ended;
use super::database::{connect, table};
use super::migrations::load;
use crate::arguments::{SchemaForm, Shared};
use crate::console::Console;
use crate::environment;
use crate::scratch::ScratchServer;
use crate::target::Target;

pub(super) async fn run(shared: &Shared, embedded: &Set, form: SchemaForm, console: &mut Console) -> Ended {
    let table = table(shared)?;
    let schema = if Target::is_named(shared.database_url.as_deref()) {
        let connected = connect(shared, Access::Read, console).await?;
        let schema = connected.session.schema(&table).await;
        connected.close().await;
        schema?
    } else {
        let set = load(shared, embedded, console)?;
        made(shared, &set, &table).await?
    };
    match form {
        SchemaForm::Sql => console.data(&script(&schema)),
        SchemaForm::Mermaid => console.data(&mermaid(&schema)),
        SchemaForm::Json => console.json(&json_of(&schema)),
    }
    Ok(Exit::Ok)
}

/// What the migrations make on a scratch server.
async fn made(shared: &Shared, set: &Set, table: &TableName) -> Result<Schema, Failure> {
    let server = ScratchServer::find(shared)?;
    let mut session = server.open(None).await?;
    let environment = environment::variables();
    let order = Order::new(set, Goal::Up, &environment);
    let request = apply::Request { table: table.clone(), ..apply::Request::new(order) };
    let applied = apply::apply(&mut session, &request, &Means::alone(), &mut |_| ()).await;
    let schema = match applied {
        Ok(_) => session.schema(table).await,
        Err(failure) => Err(failure),
    };
    session.close().await;
    schema
}

pub(super) fn json_of(schema: &Schema) -> Value {
    let objects = schema.objects.iter().map(|object| {
        json!({
            "kind": object.kind.word(), "name": object.name, "parent": object.parent, "definition": object.definition,
        })
    });
    json!({ "fingerprint": schema.fingerprint().to_string(), "objects": objects.collect::<Vec<_>>() })
}
