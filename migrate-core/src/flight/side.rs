//! How the tables of ours beside the version table look, and what makes them: the same for all of them.

use super::layout::Layout;
use super::table::Tables;
use super::{Message, Purpose, journal, ledger, message};
use crate::history::{Existing, Presence, SideTable};

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
