//! What a manifest has to mean beyond its schema: the rules that an API server checks and a schema does not, Pod Security
//! *restricted*, and our own about what a release Job and its Pods must and must never do.
//!
//! Made from one object; every problem is a sentence that names its place.

use serde_json::{Value, json};

/// The exit codes that get no second try.
pub(crate) fn permanent() -> Vec<i64> {
    std::iter::once(2).chain(20..=39).collect()
}

/// Every problem of one object.
pub(crate) fn problems(object: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    match object["kind"].as_str() {
        Some("Job") => problems.extend(of_job(&object["spec"])),
        Some("CronJob") => {
            let job = &object["spec"]["jobTemplate"]["spec"];
            problems.extend(of_job(job));
            require(&mut problems, object["spec"]["suspend"] == true, "a CronJob is a template here, and suspended");
        }
        Some("Deployment") => problems.extend(of_deployment(&object["spec"])),
        _ => {}
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    require(&mut problems, !name.is_empty() && name.len() <= 63 && name.chars().all(plain), "the name is no DNS label");
    problems
}

fn require(problems: &mut Vec<String>, holds: bool, otherwise: &str) {
    if !holds {
        problems.push(otherwise.to_owned());
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A duration of the program's own options in a list of arguments, in seconds.
fn option_seconds(arguments: &Value, option: &str) -> Option<u64> {
    let value = list(arguments).iter().filter_map(Value::as_str).find_map(|argument| argument.strip_prefix(option))?;
    let (number, unit) = value.split_at(value.len() - 1);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * factor)
}

fn of_job(job: &Value) -> Vec<String> {
    let mut problems = of_policy(job);
    let pod = &job["template"]["spec"];
    problems.extend(of_pod(pod));
    let container = &pod["containers"][0];
    require(&mut problems, container["name"] == "migrate", "the first container is not `migrate`");
    let end = job["activeDeadlineSeconds"].as_u64().unwrap_or(0);
    let own = option_seconds(&container["args"], "--deadline=");
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    require(&mut problems, own.is_some_and(|own| own + grace < end), "--deadline does not end before the Job's does");
    require(&mut problems, grace >= 30, "the program may take 25 s to end in order");
    let kept = job["ttlSecondsAfterFinished"].as_u64().unwrap_or(0);
    require(&mut problems, kept >= 86_400, "a Job that is gone within a day cannot be waited for");
    let undoes =
        ["down", "down-to", "redo", "reset"].iter().any(|word| list(&container["args"]).contains(&json!(word)));
    require(&mut problems, !undoes, "a Job is started again, and each run would undo more");
    problems
}

/// What the API server checks of `podFailurePolicy`, and our order of rules.
fn of_policy(job: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let rules = list(&job["podFailurePolicy"]["rules"]);
    let pod = &job["template"]["spec"];
    require(&mut problems, !rules.is_empty() && rules.len() <= 20, "a policy has 1 to 20 rules");
    require(&mut problems, pod["restartPolicy"] == "Never", "a podFailurePolicy needs restartPolicy Never");
    require(
        &mut problems,
        job["podReplacementPolicy"] == "Failed",
        "a podFailurePolicy allows only replacement of Failed",
    );
    for (number, rule) in rules.iter().enumerate() {
        problems.extend(of_rule(job, rule).into_iter().map(|problem| format!("rule {number}: {problem}")));
    }
    let disrupted = json!([{ "type": "DisruptionTarget", "status": "True" }]);
    let first = rules.first().is_some_and(|rule| rule["action"] == "Ignore" && rule["onPodConditions"] == disrupted);
    require(&mut problems, first, "the first rule ignores a Pod that was a DisruptionTarget");
    let fails: Vec<&Value> = rules.iter().filter(|rule| rule["action"] == "FailJob").collect();
    let codes =
        |rule: &Value| list(&rule["onExitCodes"]["values"]).iter().filter_map(Value::as_i64).collect::<Vec<_>>();
    let exact =
        matches!(fails.as_slice(), [rule] if codes(rule) == permanent() && rule["onExitCodes"]["operator"] == "In");
    require(&mut problems, exact, "FailJob is for 2 and 20 to 39, and nothing else");
    problems
}

fn of_rule(job: &Value, rule: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let action = rule["action"].as_str().unwrap_or_default();
    require(
        &mut problems,
        ["FailJob", "FailIndex", "Ignore", "Count"].contains(&action),
        "an action that does not exist",
    );
    let indexed = !job["backoffLimitPerIndex"].is_null();
    require(&mut problems, action != "FailIndex" || indexed, "FailIndex needs backoffLimitPerIndex");
    let (codes, conditions) = (&rule["onExitCodes"], &rule["onPodConditions"]);
    require(&mut problems, codes.is_null() != conditions.is_null(), "either onExitCodes or onPodConditions");
    for condition in list(conditions) {
        let named = condition["type"].is_string() && condition["status"].is_string();
        require(&mut problems, named, "a condition has a type and a status");
    }
    if codes.is_null() {
        return problems;
    }
    let values: Vec<i64> = list(&codes["values"]).iter().filter_map(Value::as_i64).collect();
    require(&mut problems, (1..=255).contains(&values.len()), "1 to 255 exit codes");
    require(&mut problems, values.windows(2).all(|pair| pair[0] < pair[1]), "exit codes ascend and are there once");
    require(&mut problems, values.iter().all(|code| (0..=255).contains(code)), "an exit code is at most 255");
    let operator = codes["operator"].as_str().unwrap_or_default();
    require(&mut problems, ["In", "NotIn"].contains(&operator), "the operator is In or NotIn");
    require(&mut problems, operator != "In" || !values.contains(&0), "0 is no failure, and not allowed with In");
    let pod = &job["template"]["spec"];
    let mut containers = list(&pod["containers"]).iter().chain(list(&pod["initContainers"]));
    let exists = codes["containerName"].is_null() || containers.any(|one| one["name"] == codes["containerName"]);
    require(&mut problems, exists, "there is no container of that name");
    problems
}

/// Pod Security *restricted*, and what a Pod of ours has no use for.
fn of_pod(pod: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let security = &pod["securityContext"];
    require(&mut problems, security["runAsNonRoot"] == true, "restricted: runAsNonRoot");
    require(&mut problems, security["runAsUser"].as_u64().is_some_and(|user| user != 0), "restricted: a user but root");
    require(&mut problems, security["seccompProfile"]["type"] == "RuntimeDefault", "restricted: seccompProfile");
    for host in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
        require(&mut problems, pod[host].is_null(), "restricted: nothing of the host");
    }
    require(&mut problems, security["fsGroup"].is_u64(), "without fsGroup the Secret's file cannot be read");
    require(&mut problems, pod["automountServiceAccountToken"] == false, "no use for a token of the API server");
    require(&mut problems, pod["enableServiceLinks"] == false, "no use for the variables of service links");
    let volumes = list(&pod["volumes"]);
    let allowed =
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
    for volume in volumes {
        let kinds =
            volume.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str()).filter(|kind| *kind != "name");
        require(
            &mut problems,
            kinds.into_iter().all(|kind| allowed.contains(&kind)),
            "restricted: that kind of volume",
        );
        let mode = volume["secret"]["defaultMode"].as_u64();
        // 0440: as an octal number of YAML 1.1, which the API server reads, it is 288.
        require(&mut problems, mode.is_none_or(|mode| mode == 0o440 || mode == 440), "a secret's file is 0440");
    }
    for container in list(&pod["containers"]).iter().chain(list(&pod["initContainers"])) {
        let name = &container["name"];
        problems
            .extend(of_container(container, volumes).into_iter().map(|problem| format!("container {name}: {problem}")));
    }
    problems
}

fn of_container(container: &Value, volumes: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    let security = &container["securityContext"];
    require(&mut problems, security["allowPrivilegeEscalation"] == false, "restricted: allowPrivilegeEscalation");
    require(&mut problems, security["capabilities"]["drop"] == json!(["ALL"]), "restricted: drop ALL");
    require(&mut problems, security["capabilities"]["add"].is_null(), "no capability is added");
    require(&mut problems, security["privileged"].is_null(), "restricted: privileged");
    require(&mut problems, security["readOnlyRootFilesystem"] == true, "the program writes no file");
    let image = container["image"].as_str().unwrap_or_default();
    let pinned = image.rsplit_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest");
    require(&mut problems, pinned, "the image names a release");
    require(&mut problems, container["resources"]["limits"]["memory"].is_string(), "memory has a limit");
    for mount in list(&container["volumeMounts"]) {
        let there = volumes.iter().any(|volume| volume["name"] == mount["name"]);
        require(&mut problems, there, "a volume is mounted that does not exist");
        require(&mut problems, mount["readOnly"] == true, "a Secret is mounted to be read");
    }
    for variable in list(&container["env"]) {
        let name = variable["name"].as_str().unwrap_or_default();
        let secret = name.contains("PASSWORD") || name == "DATABASE_URL";
        require(&mut problems, !secret || variable["value"].is_null(), "a secret does not stand in a manifest");
    }
    problems
}

fn of_deployment(deployment: &Value) -> Vec<String> {
    let pod = &deployment["template"]["spec"];
    let mut problems = of_pod(pod);
    let (selector, labels) = (&deployment["selector"]["matchLabels"], &deployment["template"]["metadata"]["labels"]);
    let matches = selector.as_object().is_some_and(|all| all.iter().all(|(label, value)| labels[label] == *value));
    require(&mut problems, matches, "the selector does not match its own Pods");
    let version = "app.kubernetes.io/version";
    require(&mut problems, selector[version].is_null(), "a selector cannot change with the release");
    let rolling = &deployment["strategy"]["rollingUpdate"];
    require(&mut problems, rolling["maxUnavailable"] == 0, "old Pods stay until new ones are ready");
    for container in list(&pod["initContainers"]) {
        let up = list(&container["args"]).contains(&json!("up"));
        require(&mut problems, !up, "an init container only looks: every Pod runs it");
    }
    for container in list(&pod["containers"]) {
        let probe = |kind: &str| container[kind]["httpGet"]["path"].clone();
        require(&mut problems, probe("startupProbe").is_string(), "the gate is seen by a startup probe");
        let alive = probe("livenessProbe");
        let apart = alive != probe("startupProbe") && alive != probe("readinessProbe");
        require(&mut problems, apart, "a liveness probe must not ask about the schema: a restart mends none");
    }
    problems
}
