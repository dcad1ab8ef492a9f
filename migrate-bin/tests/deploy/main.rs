//! What is delivered for Kubernetes, without a cluster: the manifests and the deployment book. `tests/cluster` has the rest, on a
//! real control plane.

#[cfg(test)]
mod book;
#[cfg(test)]
#[expect(dead_code, reason = "the scenes on a cluster need more of it")]
mod cluster_tools;
#[cfg(test)]
mod manifests;
#[cfg(test)]
#[expect(dead_code, reason = "the scenes on a cluster need more of it")]
mod rendered;
#[cfg(test)]
mod review;
#[cfg(test)]
mod semantics;
#[cfg(test)]
#[expect(dead_code, reason = "the other scenes need more of it")]
#[path = "../real/stage.rs"]
mod stage;
#[cfg(test)]
mod workflows;
