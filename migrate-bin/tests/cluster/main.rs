//! The release Job, its manifests and the gate of the Pods on a real Kubernetes control plane (`../shared/tools/cluster`),
//! with the built program in the containers and a real PostgreSQL behind it.
//!
//! `./test` has these scenes as a step of their own; they say that they are skipped where nobody has built Kubernetes. Only what no
//! healthy cluster answers comes from a server of ours (`api`): outages, odd reasons, words that look like something else.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod api;
#[cfg(test)]
#[expect(dead_code, reason = "the tests without a cluster need more of it")]
#[path = "../deploy/cluster_tools.rs"]
mod cluster_tools;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod control_plane;
#[cfg(test)]
mod disruption;
#[cfg(test)]
mod helm;
#[cfg(test)]
mod holder;
#[cfg(test)]
mod job;
#[cfg(test)]
mod kubelet;
#[cfg(test)]
mod lost_node;
#[cfg(test)]
mod manifests;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/pooler.rs"]
mod pooler;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/proxy.rs"]
mod proxy;
#[cfg(test)]
mod refused;
#[cfg(test)]
#[expect(dead_code, reason = "the tests without a cluster need more of it")]
#[path = "../deploy/rendered.rs"]
mod rendered;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod rollout;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/stage.rs"]
mod stage;
#[cfg(test)]
#[path = "../real/standby.rs"]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
mod standby;
