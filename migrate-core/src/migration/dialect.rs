//! The two languages of variables that goose has had.

/// Which language the lines under ENVSUB ON are written in (goose/spec-3.30.md 2). A line that both read alike needs none
/// named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Of goose up to 3.30.0, which reads them with interpolate v0.0.2.
    Goose327,
    /// Of goose from 3.30.1 on, which reads them with interpolate v0.2.0.
    Goose330,
}

impl Dialect {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::Goose327, Self::Goose330];

    /// The word for it: `goose-3.27`, `goose-3.30`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Goose327 => "goose-3.27",
            Self::Goose330 => "goose-3.30",
        }
    }
}

impl std::str::FromStr for Dialect {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let [old, new] = Self::ALL.map(Self::word);
        let known = Self::ALL.into_iter().find(|dialect| dialect.word() == word);
        known.ok_or_else(|| format!("`{word}` is no language of variables: `{old}` is that of goose up to 3.30.0, `{new}` that of goose from 3.30.1 on"))
    }
}
