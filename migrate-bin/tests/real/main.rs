//! The program on real servers: everything here starts PostgreSQL and runs the built `migrate`.

#[cfg(test)]
mod accepting;
#[cfg(test)]
mod background;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod creating;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod everyday;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod habits;
#[cfg(test)]
mod haproxy;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod injected_errors;
#[cfg(test)]
mod interruption;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod job;
#[cfg(test)]
mod keywords;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod newer_forms;
#[cfg(test)]
mod pgpool;
#[cfg(test)]
mod pooled;
#[cfg(test)]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
mod pooler;
#[cfg(test)]
mod prepared;
#[cfg(test)]
mod provider;
#[cfg(test)]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
mod proxy;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod shown;
#[cfg(test)]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
mod stage;
#[cfg(test)]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
mod standby;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod truth;
#[cfg(test)]
mod turn_taking;
#[cfg(test)]
mod variables;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod verify_corpus;
#[cfg(test)]
mod waiting;
