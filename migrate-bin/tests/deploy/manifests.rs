//! The manifests: judged by the schemas of every supported Kubernetes and by what schemas miss.

use serde_json::{Value, json};

use crate::cluster_tools::{schema_versions, validator};
use crate::rendered::{base, deploy, job, object_of, objects, rendered};
use crate::semantics::problems;
use crate::stage::{Ended, folder, migrate_command, names, text, workspace};
use crate::workflows::{steps, workflow};

#[test]
fn every_manifest_means_what_it_should() {
    for object in base() {
        assert_eq!(problems(&object), Vec::<String>::new(), "{} {}", object["kind"], object["metadata"]["name"]);
    }
}

#[test]
fn every_rendered_variant_means_what_it_should() {
    let Some(all) = rendered("rendered variants") else { return };
    for (variant, yaml) in all {
        for object in objects(&yaml) {
            let name = &object["metadata"]["name"];
            assert_eq!(problems(&object), Vec::<String>::new(), "{variant}: {} {name}", object["kind"]);
        }
    }
}

#[test]
fn every_rendered_variant_fits_the_schemas_of_every_supported_kubernetes() {
    let Some(all) = rendered("schemas") else { return };
    let Some(_) = validator("schemas") else { return };
    let files: Vec<(String, String)> =
        all.into_iter().map(|(name, yaml)| (name.replace('/', "-") + ".yaml", yaml)).collect();
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(name, yaml)| (name.as_str(), yaml.as_str())).collect();
    let place = folder(&borrowed);
    let versions = schema_versions();
    assert!(versions.len() >= 7 && versions.contains(&"1.31.0".to_owned()), "{versions:?}");
    for version in versions {
        let mut command = validator("schemas").expect("it was there");
        command.args(["-k", &version, "--strict"]).args(names(place.path())).current_dir(place.path());
        let ended: Ended = command.output().expect("python3 starts").into();
        assert_eq!(ended.code, 0, "{version}: {} {}", ended.stdout, ended.stderr);
        let passed = (ended.stdout + &ended.stderr).matches("passed for resource").count();
        assert_eq!(passed, files.iter().map(|(_, yaml)| objects(yaml).len()).sum::<usize>(), "{version}");
    }
}

/// A change of the Job that is wrong, and a word of the problem that has to be found.
fn wrong_jobs() -> Vec<(Value, &'static str)> {
    let rules = "/spec/podFailurePolicy/rules";
    let codes = "/spec/podFailurePolicy/rules/1/onExitCodes";
    let pod = "/spec/template/spec";
    let changed = |pointer: &str, value: Value| {
        let mut job = job();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        match job.pointer_mut(parent).expect("its parent") {
            Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
            parent => parent[key] = value,
        }
        job
    };
    let rule = |number: usize| job().pointer(&format!("{rules}/{number}")).expect("a rule").clone();
    let mut both = rule(1);
    both["onPodConditions"] = json!([{ "type": "DisruptionTarget", "status": "True" }]);
    vec![
        (changed(&format!("{pod}/restartPolicy"), json!("OnFailure")), "restartPolicy Never"),
        (changed("/spec/podReplacementPolicy", json!("TerminatingOrFailed")), "replacement of Failed"),
        (changed(&format!("{codes}/values"), json!([0, 2])), "0 is no failure"),
        (changed(&format!("{codes}/values"), json!([20, 2])), "ascend"),
        (changed(&format!("{codes}/values"), json!([2, 2])), "ascend"),
        (changed(&format!("{codes}/values"), json!([2, 256])), "at most 255"),
        (changed(&format!("{codes}/values"), json!([])), "1 to 255"),
        (changed(&format!("{codes}/values"), json!([2, 20, 21, 22, 40])), "nothing else"),
        (changed(&format!("{codes}/operator"), json!("NotIn")), "nothing else"),
        (changed(&format!("{codes}/containerName"), json!("other")), "no container of that name"),
        (changed(rules, json!([rule(1), rule(0)])), "first rule"),
        (changed(rules, json!([])), "1 to 20"),
        (changed(rules, json!(vec![rule(0); 21])), "1 to 20"),
        (changed(rules, json!([rule(0), both])), "either"),
        (changed(&format!("{rules}/1/action"), json!("FailIndex")), "backoffLimitPerIndex"),
        (changed(&format!("{rules}/0/onPodConditions/0/status"), Value::Null), "type and a status"),
        (changed("/spec/activeDeadlineSeconds", json!(600)), "--deadline"),
        (changed("/spec/ttlSecondsAfterFinished", json!(60)), "within a day"),
        (changed("/metadata/name", json!("migrate-RELEASE")), "DNS label"),
        (changed(&format!("{pod}/enableServiceLinks"), json!(true)), "service links"),
        (changed(&format!("{pod}/securityContext/runAsUser"), json!(0)), "root"),
        (changed(&format!("{pod}/hostNetwork"), json!(true)), "host"),
        (
            changed(&format!("{pod}/volumes/0"), json!({ "name": "database", "hostPath": { "path": "/" } })),
            "kind of volume",
        ),
        (changed(&format!("{pod}/containers/0/securityContext/capabilities/drop"), json!([])), "drop ALL"),
        (changed(&format!("{pod}/containers/0/volumeMounts/0/name"), json!("nothing")), "does not exist"),
        (
            changed(&format!("{pod}/containers/0/image"), json!("registry.example/app-migrate:latest")),
            "names a release",
        ),
        (changed(&format!("{pod}/containers/0/args"), json!(["down", "--deadline=10m"])), "undo"),
    ]
}

#[test]
fn what_is_wrong_with_a_job_is_found() {
    assert_eq!(problems(&job()), Vec::<String>::new());
    for (job, words) in wrong_jobs() {
        let problems = problems(&job);
        assert!(problems.iter().any(|problem| problem.contains(words)), "{words}: {problems:?}");
    }
}

/// The reason why there are rules of our own: when the schemas learn these, this test says so.
#[test]
fn the_schemas_accept_jobs_that_an_api_server_refuses() {
    for (job, words) in
        wrong_jobs().into_iter().filter(|(_, words)| ["restartPolicy Never", "0 is no failure"].contains(words))
    {
        let place = folder(&[("job.yaml", &job.to_string())]);
        let Some(mut command) = validator("schemas that accept too much") else { return };
        let ended: Ended =
            command.args(["--strict", "job.yaml"]).current_dir(place.path()).output().expect("python3 starts").into();
        assert_eq!(ended.code, 0, "{words}: {} {}", ended.stdout, ended.stderr);
    }
}

#[test]
fn the_arguments_of_every_container_are_those_of_the_program() {
    let accepts = |arguments: &[String]| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended: Ended = migrate_command(&arguments).arg("--help").output().expect("migrate starts").into();
        ended.code == 0
    };
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words.map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    assert!(!accepts(&words(&json!(["up", "--nonsense"]))) && !accepts(&words(&json!(["up", "--deadline=soon"]))));
    let mut all = base();
    let yaml = rendered("arguments").unwrap_or_default();
    all.extend(yaml.iter().flat_map(|(_, yaml)| objects(yaml)));
    let pods = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];
    for pod in all.iter().flat_map(|object| pods.iter().filter_map(|place| object.pointer(place))) {
        let containers = ["containers", "initContainers"].into_iter().filter_map(|kind| pod[kind].as_array()).flatten();
        for container in containers.filter(|one| one["image"].as_str().is_some_and(|image| image.contains("migrate"))) {
            let arguments = words(&container["args"]);
            assert!(accepts(&arguments), "{arguments:?}");
        }
    }
}

fn find<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn the_job_goes_directly_to_neon_and_the_pods_through_its_pooler() {
    let Some(all) = rendered("Neon") else { return };
    let (_, yaml) = all.iter().find(|(name, _)| name == "overlays/neon").expect("the overlay");
    let objects = objects(yaml);
    let keys = |kind: &str, pod: &str| {
        let pod = find(&objects, kind).pointer(pod).expect("a Pod");
        let secret = &pod["volumes"][0]["secret"];
        (secret["items"].clone(), secret["defaultMode"].clone())
    };
    let item = |key: &str| (json!([{ "key": key, "path": "url" }]), json!(0o440));
    assert_eq!(keys("Job", "/spec/template/spec"), item("url-direct"));
    assert_eq!(keys("CronJob", "/spec/jobTemplate/spec/template/spec"), item("url-direct"));
    assert_eq!(keys("Deployment", "/spec/template/spec"), item("url-pooled"));
}

#[test]
fn hooks_run_before_the_release_and_leave_their_job_to_be_looked_at() {
    let Some(all) = rendered("hooks") else { return };
    let helm = object_of(&all, "helm", "Job");
    let notes = &helm["metadata"]["annotations"];
    assert_eq!(notes["helm.sh/hook"], "pre-install,pre-upgrade");
    // Without it Helm 4 takes the verdict of an old Job whose template is the same, and runs nothing.
    assert_eq!(notes["helm.sh/hook-delete-policy"], "before-hook-creation");
    assert_eq!(helm["metadata"]["name"], "shop-migrate-1");
    let (_, yaml) = all.iter().find(|(name, _)| name == "argo-cd").expect("the component");
    let objects = objects(yaml);
    let notes = &find(&objects, "Job")["metadata"]["annotations"];
    assert_eq!(notes["argocd.argoproj.io/hook"], "PreSync");
    assert_eq!(notes["argocd.argoproj.io/hook-delete-policy"], "BeforeHookCreation");
    assert!(find(&objects, "Deployment")["metadata"]["annotations"].is_null(), "the application is no hook");
}

#[test]
fn the_chart_the_template_of_runs_by_hand_and_the_base_have_the_same_policy() {
    let base = base();
    let job = find(&base, "Job");
    let by_hand = &find(&base, "CronJob")["spec"]["jobTemplate"]["spec"];
    let Some(all) = rendered("the policy of the chart") else { return };
    let helm = object_of(&all, "helm", "Job");
    for key in ["podFailurePolicy", "podReplacementPolicy"] {
        assert_eq!(job["spec"][key], helm["spec"][key]);
        assert_eq!(job["spec"][key], by_hand[key]);
    }
    assert_eq!((&job["spec"]["backoffLimit"], &helm["spec"]["backoffLimit"]), (&json!(4), &json!(4)));
}

/// The pipeline's Job says in which order things happened; that the schema is there, only the gate says.
#[test]
fn no_variant_with_an_init_container_and_no_value_of_the_chart_rolls_pods_without_the_gate() {
    let Some(all) = rendered("the gate of the variants") else { return };
    for variant in ["helm", "init-container"] {
        let gates = object_of(&all, variant, "Deployment")["spec"]["template"]["spec"]["initContainers"].clone();
        assert_eq!(gates[0]["args"], json!(["check", "--wait=300s"]), "{variant}");
    }
    let chart = text(&deploy().join("helm/templates/deployment.yaml"));
    assert!(!chart.contains("{{- if") && !chart.contains("{{ if"), "{chart}");
}

/// Two texts, since a chart is no overlay; what they say of a Pod is the same.
#[test]
fn the_deployment_of_the_chart_is_that_of_the_base_with_its_gate() {
    let Some(all) = rendered("the Deployment of the chart") else { return };
    let deployment = |variant| object_of(&all, variant, "Deployment");
    let (helm, gated, base) = (deployment("helm"), deployment("init-container"), find(&base(), "Deployment").clone());
    for place in ["replicas", "strategy", "progressDeadlineSeconds"] {
        assert_eq!(helm["spec"][place], base["spec"][place], "{place}");
    }
    let pod = |object: &Value| object["spec"]["template"]["spec"].clone();
    let (helm, gated, base) = (pod(&helm), pod(&gated), pod(&base));
    assert_eq!(helm["initContainers"], gated["initContainers"]);
    for place in ["securityContext", "automountServiceAccountToken", "enableServiceLinks", "volumes"] {
        assert_eq!(helm[place], base[place], "{place}");
    }
    let container = |pod: &Value| {
        let mut container = pod["containers"][0].clone();
        // The chart has a value for the port, and tells the application.
        container["env"].as_array_mut().expect("variables").retain(|variable| variable["name"] != "PORT");
        container
    };
    assert_eq!(container(&helm), container(&base));
}

#[test]
fn the_network_policy_meets_the_pods_of_the_job_and_no_others() {
    let base = base();
    let selector = find(&base, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].clone();
    let meets =
        |labels: &Value| selector.as_object().expect("labels").iter().all(|(label, value)| labels[label] == *value);
    assert!(meets(&find(&base, "Job")["spec"]["template"]["metadata"]["labels"]));
    assert!(meets(&find(&base, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]));
    assert!(!meets(&find(&base, "Deployment")["spec"]["template"]["metadata"]["labels"]));
}

#[test]
fn the_image_is_a_static_program_and_authorities_under_a_number() {
    let dockerfile = text(&deploy().join("Dockerfile"));
    let last = dockerfile.rsplit_once("FROM scratch\n").expect("the last stage is empty").1;
    assert!(last.contains("USER 65532:65532") && last.contains("ENTRYPOINT [\"/migrate\"]"), "{last}");
    assert!(last.contains("/etc/ssl/certs/ca-certificates.crt") && last.contains("org.opencontainers.image.revision"));
    for stage in last.match_indices("--from=").map(|(at, flag)| last[at + flag.len()..].split_whitespace().next()) {
        assert!(dockerfile.contains(&format!(" AS {}\n", stage.expect("a name"))), "{stage:?} is no stage");
    }
    let built = "cargo build --locked --release -p migrate-bin --bin \"${PROGRAM}\" --no-default-features";
    assert!(dockerfile.contains("ARG PROGRAM=migrate-example\n"));
    assert!(dockerfile.contains("ARG REVISION\n") && dockerfile.contains("MIGRATE_REVISION=\"${REVISION}\""));
    assert!(dockerfile.contains(built) && dockerfile.contains("+crt-static") && !dockerfile.contains(":latest"));
    let rust = text(&workspace().join("Cargo.toml"));
    let oldest = rust.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version");
    assert!(dockerfile.contains(&format!("FROM rust:{oldest}-")), "the image has another Rust than the workspace");
}

#[test]
fn the_workflow_applies_waits_and_rolls_in_this_order() {
    let workflow = workflow("deploy.yml");
    let steps = steps(&workflow, "deploy");
    let at = |words: &str| {
        let found = steps.iter().position(|step| step["run"].as_str().is_some_and(|run| run.contains(words)));
        found.unwrap_or_else(|| panic!("no step runs {words}"))
    };
    let order = [at("kubectl kustomize"), at("component=migrate"), at("deploy/wait-job.sh"), at("component=app")];
    assert!(order.is_sorted() && order[1] < order[2] && order[2] < order[3], "{order:?}");
    assert!(workflow["jobs"]["deploy"]["timeout-minutes"].as_u64().expect("a bound") * 60 > 2400);
}
