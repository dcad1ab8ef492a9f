//! The way to a server, on real ones: TLS in every mode, whom to believe, several hosts, poolers, servers that come late,
//! and every place that a connection is described in. Where `psql` is at hand, it is asked the same question.

mod authority;
mod cancelling;
mod hosts;
mod identity;
mod lab;
mod listener;
mod modes;
mod pooler;
mod recorder;
mod secrecy;
mod sources;
mod verification;
mod waiting;
