//! What the file of each table of ours says of it.

use super::table::Tables;

/// What a table of ours looks like.
pub(crate) struct Layout {
    /// The columns that its first release had, as far as they are read.
    pub(crate) first: &'static [&'static str],
    /// The columns that came later, as far as they are read.
    pub(crate) later: &'static [&'static str],
    /// What makes it.
    pub(super) create: fn(&Tables) -> String,
    /// What adds the columns that came later; never asked for where there are none.
    pub(super) complete: fn(&Tables) -> String,
}
