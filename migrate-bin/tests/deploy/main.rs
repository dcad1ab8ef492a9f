//! What is delivered for Kubernetes, without a cluster: the manifests, the script that waits for a Job under a real
//! `kubectl`, a Job controller that runs the real program as its Pod, and the deployment book.

#[cfg(test)]
mod api;
#[cfg(test)]
mod book;
#[cfg(test)]
mod cluster_tools;
#[cfg(test)]
mod controller;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod pods;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/pooler.rs"]
mod pooler;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/proxy.rs"]
mod proxy;
#[cfg(test)]
mod release;
#[cfg(test)]
mod review;
#[cfg(test)]
mod semantics;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/stage.rs"]
mod stage;
#[cfg(test)]
#[path = "../real/standby.rs"]
#[expect(dead_code, reason = "the cases of tests/faults need more of it")]
mod standby;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod waiting;
