//! Reads goose SQL migrations, plans and applies them to `PostgreSQL`.
//!
//! The pipeline, floor by floor: text becomes sections, sections statements, statements steps; steps and history
//! become a plan; a plan is what is shown and applied.
//!
//! ```
//! use migrate_core::{check, flight, history, parse, plan};
//!
//! let folder = parse::Folder {
//!     path: "migrations".into(),
//!     shown: "migrations".into(),
//!     sources: vec![parse::Source {
//!         file: "00001_create_users.sql".into(),
//!         text: Ok("-- +goose Up\nCREATE TABLE users (id bigint);\n-- +goose Down\nDROP TABLE users;\n".into()),
//!     }],
//!     diagnostics: vec![],
//! };
//! let parsed = parse::parse(folder);
//! assert!(parsed.diagnostics.is_empty() && check::check(&parsed.set).is_empty());
//!
//! let environment = parse::Environment::default();
//! let order = plan::Order::new(&parsed.set, plan::Goal::Up, &environment);
//! let history = history::History::default();
//! let plan = plan::plan(order, &history)?;
//! let bookkeeping = flight::Bookkeeping {
//!     tables: flight::TableName::default().in_schema("public"),
//!     release: "app 1.0".into(),
//!     run: "1".into(),
//!     terms: flight::Terms::default(),
//! };
//! let flight = flight::flight(&plan.batches[0], &bookkeeping);
//! assert_eq!(flight.messages[2].sql, "CREATE TABLE users (id bigint);");
//! # Ok::<(), plan::PlanError>(())
//! ```

#[cfg(feature = "postgres")]
pub mod apply;
pub mod build;
pub mod catalog;
pub mod check;
pub mod command;
pub mod config;
#[cfg(feature = "postgres")]
pub mod connect;
#[cfg(feature = "postgres")]
pub mod connection;
pub mod diagnostic;
pub mod effect;
pub mod flight;
pub mod gate;
pub mod history;
pub mod lint;
pub mod lock;
pub mod migration;
mod parallel;
pub mod parse;
pub mod plan;
pub mod report;
pub mod review;
pub mod schema;
pub mod step;
pub mod text;
pub mod verdict;
#[cfg(feature = "postgres")]
pub mod verify;
