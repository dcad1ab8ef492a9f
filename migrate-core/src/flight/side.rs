//! How the tables of ours beside the version table look, and what makes them: the same for all of them.

pub(super) mod journal;
pub(super) mod ledger;

use super::table::Tables;
use super::{Message, Purpose, message};
use crate::history::{Existing, Presence, SideTable};

/// What a table of ours looks like.
pub(crate) struct Layout {
    /// The columns that its first release had, as far as they are read.
    pub(crate) first: &'static [&'static str],
    /// The columns that came later, as far as they are read.
    pub(crate) later: &'static [&'static str],
    /// What makes it.
    create: fn(&Tables) -> String,
    /// What adds the columns that came later; never asked for where there are none.
    complete: fn(&Tables) -> String,
}

/// The layout of a table.
pub(crate) const fn layout(side: SideTable) -> Layout {
    match side {
        SideTable::Ledger => ledger::LAYOUT,
        SideTable::Journal => journal::LAYOUT,
    }
}

/// What a table lacks before it can be written.
pub(super) fn missing(side: SideTable, existing: Existing, tables: &Tables) -> Option<Message<'static>> {
    let layout = layout(side);
    let sql = match existing.sides.of(side) {
        Presence::Absent => (layout.create)(tables),
        Presence::Older => (layout.complete)(tables),
        Presence::Whole => return None,
    };
    Some(message(Purpose::Prepare, sql))
}
