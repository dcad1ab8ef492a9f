//! Everything that goes wrong with a release at night, case by case, and what has to come of it: every migration is
//! applied exactly once, and the last line says the state and the next command.
//!
//! The names of the tests begin with the numbers of the cases.

#[cfg(test)]
#[path = "../real/background.rs"]
mod background;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod impact;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod life;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod loss;
#[cfg(test)]
mod names;
#[cfg(test)]
#[path = "../real/pooler.rs"]
mod pooler;
#[cfg(test)]
mod poolers;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/proxy.rs"]
mod proxy;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/stage.rs"]
mod stage;
#[cfg(test)]
#[path = "../real/standby.rs"]
mod standby;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod story;
#[cfg(test)]
mod wire;
