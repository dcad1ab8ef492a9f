//! The spans that a run sends, as a collector receives them: the built program with the feature `telemetry`, a real server,
//! and a collector that speaks OTLP over HTTP, or does not.

#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/connection/authority.rs"]
mod authority;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/background.rs"]
mod background;
#[cfg(test)]
mod collector;
#[cfg(test)]
mod protobuf;
#[cfg(test)]
mod runs;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/stage.rs"]
mod stage;
#[cfg(test)]
mod trouble;
