//! Reads goose SQL migrations, plans and applies them to PostgreSQL.

pub mod diagnostic;
pub mod migration;
pub mod parse;
pub mod text;
