//! The program on real servers: everything here starts PostgreSQL and runs the built `migrate`.

mod stage;
