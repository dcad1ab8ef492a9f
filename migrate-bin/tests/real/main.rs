//! The program on real servers: everything here starts PostgreSQL and runs the built `migrate`.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod differences;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod turn_taking;
