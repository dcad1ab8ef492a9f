//! What the library promises about goose files, checked from outside. One binary, so that it links once.

#[cfg(test)]
mod allows;
mod circles;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod floors;
#[cfg(test)]
mod interpolation;
#[cfg(test)]
mod lint_corpus;
#[cfg(test)]
mod lint_docs;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod second_parser;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod syntax;
#[cfg(test)]
mod vector;
#[cfg(test)]
mod vectors;
