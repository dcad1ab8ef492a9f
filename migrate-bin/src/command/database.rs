//! Which database a command is about, and what it holds.

use migrate_core::apply::{self, Database};
use migrate_core::connection::Access;
use migrate_core::flight::TableName;
use migrate_core::plan::Versioning;
use migrate_core::report::{Exit, Failure};

use crate::arguments::Shared;
use crate::console::Console;
use crate::environment;
use crate::target::{Connected, Target};
use crate::trouble::Trouble;

pub(super) fn table(shared: &Shared) -> Result<TableName, Failure> {
    if let Some(table) = &shared.table {
        return Ok(table.clone());
    }
    match environment::variable("GOOSE_TABLE") {
        Some(name) => name.parse().map_err(|error| {
            Failure::new(Exit::Usage, format!("GOOSE_TABLE: {error}"), "set it to such a name, or give `--table`")
        }),
        None => Ok(TableName::default()),
    }
}

/// Connects, and tells on the way what keeps it waiting.
pub(super) async fn connect(shared: &Shared, access: Access, console: &mut Console) -> Result<Connected, Failure> {
    let target = Target::find(shared.database_url.as_deref(), access, shared.connect_wait)?;
    target.connect(&mut |event| console.event(&event)).await
}

/// Connects and reads the history.
pub(super) async fn open(shared: &Shared, console: &mut Console) -> Result<(Connected, Database, TableName), Trouble> {
    let table = table(shared)?;
    let connected = connect(shared, Access::Read, console).await?;
    match apply::read(&connected.session, &table, Versioning::Recorded).await {
        Ok(database) => Ok((connected, database, table)),
        Err(failure) => {
            connected.close().await;
            Err(failure.into())
        }
    }
}
