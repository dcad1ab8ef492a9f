//! What the library promises about goose files, checked from outside. One binary, so that it links once.

#[cfg(test)]
mod codes;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod floors;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod vector;
#[cfg(test)]
mod vectors;
