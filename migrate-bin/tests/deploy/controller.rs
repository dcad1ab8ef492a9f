//! The Job controller of Kubernetes, as far as it decides what becomes of a Job of one Pod: rules in order, counting,
//! backoff, replacement and the deadline, on a clock of its own that waits for nobody.
//!
//! Made from a manifest and a function that is a Pod. Invariant: a Job that has ended starts no Pod.

use std::time::Duration;

use serde_json::Value;

/// The first wait between two Pods, and the longest one.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_mins(6);

/// How a Pod ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PodEnd {
    pub(crate) exit: i32,
    /// How long it ran.
    pub(crate) ran: Duration,
    /// When the cluster told it to go, counted from its start: a drain, an eviction, a preemption.
    pub(crate) disrupted_after: Option<Duration>,
}

impl PodEnd {
    pub(crate) fn with(exit: i32) -> Self {
        Self { exit, ran: Duration::from_secs(1), disrupted_after: None }
    }

    /// The same Pod, drained as soon as it began.
    pub(crate) fn disrupted(self) -> Self {
        Self { disrupted_after: Some(Duration::ZERO), ..self }
    }
}

/// How a Job ended; the reasons are those of its condition `Failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEnd {
    Complete,
    PodFailurePolicy,
    BackoffLimitExceeded,
    DeadlineExceeded,
}

/// A Job that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) how: JobEnd,
    /// When each Pod began and ended, counted from the start of the Job.
    pub(crate) pods: Vec<(Duration, Duration)>,
    /// When the Job ended.
    pub(crate) at: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    FailJob,
    Ignore,
    Count,
}

/// Runs a Job to its end. The function is told the number of the Pod, counted from 0.
pub(crate) fn run(job: &Value, mut pod: impl FnMut(usize) -> PodEnd) -> Ended {
    let spec = &job["spec"];
    let limit = spec["backoffLimit"].as_u64().unwrap_or(6);
    let deadline = spec["activeDeadlineSeconds"].as_u64().map_or(Duration::MAX, Duration::from_secs);
    let (mut start, mut counted, mut pods) = (Duration::ZERO, 0, Vec::new());
    loop {
        if start >= deadline {
            return Ended { how: JobEnd::DeadlineExceeded, pods, at: deadline };
        }
        let ended = pod(pods.len());
        let end = start + ended.ran;
        // The controller takes a Pod that runs at the deadline away: how it ends is not asked any more.
        if end > deadline {
            pods.push((start, deadline));
            return Ended { how: JobEnd::DeadlineExceeded, pods, at: deadline };
        }
        pods.push((start, end));
        // Its phase is Succeeded, whatever conditions it has.
        if ended.exit == 0 {
            return Ended { how: JobEnd::Complete, pods, at: end };
        }
        match action(spec, ended) {
            Action::FailJob => return Ended { how: JobEnd::PodFailurePolicy, pods, at: end },
            Action::Count => counted += 1,
            Action::Ignore => {}
        }
        if counted > limit {
            return Ended { how: JobEnd::BackoffLimitExceeded, pods, at: end };
        }
        start = replacement(spec, ended, start, pods.len());
    }
}

/// The action of the first rule that matches a failed Pod.
fn action(spec: &Value, ended: PodEnd) -> Action {
    let rules = spec["podFailurePolicy"]["rules"].as_array().map_or(&[][..], Vec::as_slice);
    let found = rules.iter().find(|rule| matches(rule, ended));
    match found.map(|rule| rule["action"].as_str().expect("an action")) {
        Some("FailJob") => Action::FailJob,
        Some("Ignore") => Action::Ignore,
        None | Some("Count") => Action::Count,
        Some(other) => panic!("an action that this Job cannot have: {other}"),
    }
}

fn matches(rule: &Value, ended: PodEnd) -> bool {
    let conditions = rule["onPodConditions"].as_array();
    if let Some(conditions) = conditions {
        let disrupted = ended.disrupted_after.is_some();
        return disrupted && conditions.iter().any(|one| one["type"] == "DisruptionTarget" && one["status"] == "True");
    }
    let codes = &rule["onExitCodes"];
    let listed = codes["values"].as_array().expect("exit codes").iter().any(|code| *code == ended.exit);
    match codes["operator"].as_str() {
        Some("In") => listed,
        Some("NotIn") => !listed,
        other => panic!("an operator that does not exist: {other:?}"),
    }
}

/// When the next Pod starts: each failure doubles the wait, whether it counts or not. A Pod that is told to go is replaced
/// at once, beside the old one, unless the policy is to wait until that has Failed.
fn replacement(spec: &Value, ended: PodEnd, start: Duration, failures: usize) -> Duration {
    let at_once = spec["podReplacementPolicy"] == "TerminatingOrFailed";
    match ended.disrupted_after.filter(|_| at_once) {
        Some(told) => start + told,
        None => start + ended.ran + wait(failures),
    }
}

fn wait(failures: usize) -> Duration {
    let doubled = (1..failures).try_fold(FIRST_WAIT, |wait, _| wait.checked_mul(2).filter(|wait| *wait < LONGEST_WAIT));
    doubled.unwrap_or(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifests::job;
    use crate::semantics::permanent;

    /// How a Job ends whose Pods all end so, and after how many.
    fn always(exit: i32, disrupted: bool) -> (JobEnd, usize) {
        let end = if disrupted { PodEnd::with(exit).disrupted() } else { PodEnd::with(exit) };
        // Nobody is drained for ever: the eighth Pod is let be, and completes.
        let ended = run(&job(), |number| if disrupted && number == 7 { PodEnd::with(0) } else { end });
        (ended.how, ended.pods.len())
    }

    #[test]
    fn every_exit_status_there_is_meets_the_policy_as_its_band_says() {
        for exit in 0..=255 {
            let expected = match exit {
                0 => (JobEnd::Complete, 1),
                code if permanent().contains(&i64::from(code)) => (JobEnd::PodFailurePolicy, 1),
                _ => (JobEnd::BackoffLimitExceeded, 5),
            };
            assert_eq!(always(exit, false), expected, "{exit}");
            let ignored = if exit == 0 { (JobEnd::Complete, 1) } else { (JobEnd::Complete, 8) };
            assert_eq!(always(exit, true), ignored, "{exit} of a Pod that was drained");
        }
    }

    #[test]
    fn the_bands_of_the_program_are_the_actions_of_the_policy() {
        for row in migrate_core::report::EXITS {
            let end = match row.job() {
                "complete" => JobEnd::Complete,
                "fail-job" => JobEnd::PodFailurePolicy,
                "count" => JobEnd::BackoffLimitExceeded,
                _ => continue,
            };
            assert_eq!(always(i32::from(row.code), false).0, end, "{} {}", row.code, row.name);
        }
    }

    #[test]
    fn tries_are_ten_twenty_forty_and_eighty_seconds_apart() {
        let ended = run(&job(), |_| PodEnd { ran: Duration::ZERO, ..PodEnd::with(41) });
        let starts: Vec<u64> = ended.pods.iter().map(|(start, _)| start.as_secs()).collect();
        assert_eq!(starts, [0, 10, 30, 70, 150]);
    }

    #[test]
    fn a_wait_is_six_minutes_at_most() {
        let mut job = job();
        job["spec"]["backoffLimit"] = json!(9);
        job["spec"]["activeDeadlineSeconds"] = Value::Null;
        let ended = run(&job, |_| PodEnd { ran: Duration::ZERO, ..PodEnd::with(41) });
        let starts: Vec<u64> = ended.pods.iter().map(|(start, _)| start.as_secs()).collect();
        assert_eq!(starts, [0, 10, 30, 70, 150, 310, 630, 990, 1350, 1710]);
    }

    #[test]
    fn the_jobs_own_deadline_ends_it_between_two_pods_and_within_one() {
        let slow = |seconds: u64| move |_: usize| PodEnd { ran: Duration::from_secs(seconds), ..PodEnd::with(46) };
        let within = run(&job(), slow(620));
        assert_eq!((within.how, within.pods.len()), (JobEnd::DeadlineExceeded, 3));
        assert_eq!(within.at, Duration::from_mins(30));
        let between = run(&job(), slow(885));
        assert_eq!((between.how, between.pods.len()), (JobEnd::DeadlineExceeded, 2));
        assert_eq!(run(&job(), |_| PodEnd { ran: Duration::from_mins(30), ..PodEnd::with(0) }).how, JobEnd::Complete);
    }

    #[test]
    fn the_order_of_the_rules_decides_about_a_drained_pod_that_also_failed() {
        let drained = |number| if number == 0 { PodEnd::with(25).disrupted() } else { PodEnd::with(0) };
        assert_eq!(run(&job(), drained).how, JobEnd::Complete);
        let mut turned = job();
        turned["spec"]["podFailurePolicy"]["rules"].as_array_mut().expect("rules").reverse();
        assert_eq!(run(&turned, drained).how, JobEnd::PodFailurePolicy);
    }

    #[test]
    fn no_two_pods_run_at_once_under_the_replacement_policy_of_the_manifest() {
        let drained = |number| {
            let slow = PodEnd { ran: Duration::from_secs(40), ..PodEnd::with(50) };
            if number < 3 { slow.disrupted() } else { PodEnd::with(0) }
        };
        let overlap = |job: &Value| run(job, drained).pods.windows(2).any(|pair| pair[1].0 < pair[0].1);
        assert!(!overlap(&job()));
        let mut hasty = job();
        hasty["spec"]["podReplacementPolicy"] = json!("TerminatingOrFailed");
        assert!(overlap(&hasty), "the policy is what keeps them apart");
    }

    #[test]
    fn a_policy_that_fails_whatever_is_not_listed_kills_a_pod_that_was_only_unlucky() {
        let mut closed = job();
        let codes = &mut closed["spec"]["podFailurePolicy"]["rules"][1]["onExitCodes"];
        *codes = json!({ "containerName": "migrate", "operator": "NotIn", "values": [0, 1, 40, 41, 50] });
        let killed = |number| if number == 0 { PodEnd::with(137) } else { PodEnd::with(0) };
        assert_eq!(run(&closed, killed).how, JobEnd::PodFailurePolicy);
        assert_eq!(run(&job(), killed).how, JobEnd::Complete);
    }
}
