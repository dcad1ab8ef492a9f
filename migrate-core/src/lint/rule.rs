//! What a rule is. The table of rules is the `rules!` in `lint.rs`: one file and one row a rule.

use super::{File, Findings, Subject};
use crate::diagnostic::Severity;

/// A rule: what it looks for, why, and an example that breaks it.
#[derive(Debug)]
pub struct Rule {
    /// Short stable id, such as `L09`.
    pub id: &'static str,
    /// Stable name, such as `set-not-null-scan`.
    pub name: &'static str,
    /// What it is unless the configuration says otherwise; `None` is off.
    pub level: Option<Severity>,
    /// One sentence: what is reported.
    pub summary: &'static str,
    /// Why, with the measured fact.
    pub why: &'static str,
    /// The safe alternative.
    pub instead: &'static str,
    /// Files (name, text) that break the rule once, in the last of them.
    pub bad: &'static [(&'static str, &'static str)],
    /// Files that do the same safely.
    pub good: &'static [(&'static str, &'static str)],
    /// What it looks at.
    pub check: Check,
    /// Whether it also judges Down sections.
    pub down: bool,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Each command of a judged migration; Down is looked at only where [`Rule::down`] is set.
    Command(fn(&Subject<'_>, &mut Findings<'_>)),
    /// Each judged migration as a whole, both sections at once, whatever [`Rule::down`] says.
    File(fn(&File<'_>, &mut Findings<'_>)),
    /// Nothing: the engine reports it.
    Engine,
}

/// Declares the modules of the rules and the table of them, in the order given.
macro_rules! rules {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Every rule, by id.
        pub static RULES: &[&Rule] = &[$(&$name::RULE),*];
    };
}
pub(super) use rules;
