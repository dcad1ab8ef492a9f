//! A throw-away PostgreSQL for people and tests.
//!
//! Two kinds, chosen by what is at hand:
//!
//! * [`Server`] (Unix): a real server started from installed binaries
//!   ([`installations`] finds them) on a free loopback port in a temporary
//!   folder. It is gone when the value is dropped, and also when the process
//!   that started it is killed.
//! * `Embedded` (feature `embedded`): PostgreSQL 18 as WebAssembly inside this
//!   process. Needs nothing installed, but serves one session at a time.
//!
//! With the feature `databases`, `Scratch` gives each test of an application a migrated database of its own
//! (docs/testing.md).
//!
//! None is meant to keep data that matters: durability is switched off
//! wherever that makes starting and running faster.

#[cfg(feature = "databases")]
mod databases;
mod error;

#[cfg(feature = "embedded")]
mod embedded;
#[cfg(unix)]
mod server;

#[cfg(feature = "databases")]
pub use databases::{Scratch, ScratchDatabase};
#[cfg(feature = "embedded")]
pub use embedded::{Embedded, Storage};
pub use error::ScratchError;
#[cfg(unix)]
pub use server::{Installation, Server, installations};
