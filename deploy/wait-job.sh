#!/usr/bin/env bash
# Waits for a Kubernetes Job to end, says why it ended, and ends with a code that tells the reasons apart.
#
# `kubectl wait --for=condition=complete` does not return when the Job fails. This looks every second, so that it ends
# within five of Complete, Failed or deletion, and it sees what is no failure of a Pod and no policy applies to:
# an image that cannot be pulled, a Secret that is missing, a Pod that no node has room for.
set -uo pipefail

usage() {
    cat <<'HELP'
Usage: wait-job.sh [-n NAMESPACE] [--timeout SECONDS] [OPTION …] JOB

Waits until the Job is Complete or Failed, or is gone. The termination message of its last Pod and the last lines of
its log go to stdout, everything else to stderr.

  -n, --namespace NAME        where the Job is [default: that of the context]
  -c, --container NAME        whose log is shown [default: migrate]
      --timeout SECONDS       the end of all waiting [default: 2400]
      --start-patience SECONDS  for an image, a Secret or a first Pod that is not there [default: 60]
      --node-patience SECONDS   for a node with room for the Pod, or one that answers no more [default: 300]
      --api-patience SECONDS    for an API server that does not answer [default: 60]
      --log-lines N           how much of the log is shown [default: 50]
  -h, --help                  this text

Environment: KUBECTL, the kubectl to run [default: kubectl]; KUBECONFIG.

It needs `get` on jobs, `get` and `list` on pods and `get` on pods/log; with `list` on events it says what a mount or a quota
refuses.

Exit codes:
   0  the Job is complete
   1  the Job failed, for a reason that has no code of its own
   2  wrong arguments, or no kubectl
   3  the Job failed at an exit code that its policy gives no second try (PodFailurePolicy): the message says what to mend
   4  the Job failed after all of its tries (BackoffLimitExceeded): it may pass later
   5  the Job was stopped by activeDeadlineSeconds (DeadlineExceeded)
  10  the image cannot be pulled
  11  the container cannot be made: a Secret, a ConfigMap or a setting is wrong
  12  no node has room for the Pod
  13  no Pod is made: a quota or an admission rule refuses it
  14  the Pod was told to end, and its node does not say that it has
  20  the Job is gone, or another one has taken its name
  21  there is no such Job
  30  the API server does not answer
  31  the API server refuses: credentials or RBAC
  40  the Job has not ended within --timeout
HELP
}

# One look must not take long: a deletion is seen within five seconds.
INTERVAL=1
ONE_LOOK=10s
# How long the Pods of a Job that is bound to fail have to say why, in seconds.
LAST_WORDS=2
# What passes within these seconds is told to nobody: a Job without its first Pod, an image on its way.
NO_TROUBLE=3

namespace=() container=migrate timeout=2400 start_patience=60 node_patience=300 api_patience=60 log_lines=50 job=""

say() { printf 'wait-job: %s\n' "$*" >&2; }

refuse() {
    say "$*"
    usage >&2
    exit 2
}

number() {
    [[ "$2" =~ ^[0-9]+$ ]] || refuse "$1 takes a number, not '$2'"
    printf '%s' "$2"
}

while [ "$#" -gt 0 ]; do
    case "$1" in
        -h | --help)
            usage
            exit 0
            ;;
        -n | --namespace | -c | --container | --timeout | --start-patience | --node-patience | --api-patience | --log-lines)
            [ "$#" -ge 2 ] || refuse "$1 takes a value"
            case "$1" in
                -n | --namespace) namespace=(-n "$2") ;;
                -c | --container) container=$2 ;;
                --timeout) timeout=$(number "$1" "$2") || exit 2 ;;
                --start-patience) start_patience=$(number "$1" "$2") || exit 2 ;;
                --node-patience) node_patience=$(number "$1" "$2") || exit 2 ;;
                --api-patience) api_patience=$(number "$1" "$2") || exit 2 ;;
                --log-lines) log_lines=$(number "$1" "$2") || exit 2 ;;
            esac
            shift 2
            ;;
        -*) refuse "unknown option $1" ;;
        *)
            [ -z "$job" ] || refuse "one Job at a time"
            job=${1#job/}
            shift
            ;;
    esac
done
[ -n "$job" ] || refuse "which Job?"
KUBECTL=${KUBECTL:-kubectl}
command -v "$KUBECTL" >/dev/null || refuse "there is no $KUBECTL"

errors=$(mktemp) || exit 2
trap 'rm -f "$errors"' EXIT

kube() { "$KUBECTL" ${namespace[@]+"${namespace[@]}"} --request-timeout="$ONE_LOOK" "$@" </dev/null 2>"$errors"; }

# Messages are anybody's words, so they come escaped, without a sign that means something here.
plain() {
    local text=${1//+/ }
    printf '%b' "${text//%/\\x}" | tr -d '\000-\037\177'
}

# One line: uid, whether Pods are counted, then each condition that holds, as TYPE=REASON=MESSAGE.
job_line() {
    kube get job "$job" --ignore-not-found -o go-template='{{.metadata.uid}}|{{with .spec.suspend}}suspended{{end}}|{{range .status.conditions}}{{if eq .status "True"}}{{.type}}={{.reason}}={{with .message}}{{urlquery .}}{{end}}|{{end}}{{end}}'
}

# A line a Pod, the newest last: name, phase, why it has no node, why its container waits.
pod_lines() {
    kube get pods -l "batch.kubernetes.io/job-name=$job" --sort-by=.metadata.creationTimestamp -o go-template='{{range .items}}{{.metadata.name}}|{{with .status}}{{.phase}}|{{range .conditions}}{{if eq .type "PodScheduled"}}{{if eq .status "False"}}{{.reason}}: {{with .message}}{{urlquery .}}{{end}}{{end}}{{end}}{{end}}|{{range .initContainerStatuses}}{{with .state}}{{with .waiting}}{{.reason}}: {{with .message}}{{urlquery .}}{{end}} {{end}}{{end}}{{end}}{{range .containerStatuses}}{{with .state}}{{with .waiting}}{{.reason}}: {{with .message}}{{urlquery .}}{{end}}{{end}}{{end}}{{end}}{{end}}|{{with .metadata.deletionTimestamp}}ending{{end}}{{"\n"}}{{end}}'
}

# The last warning that is told of a Pod or a Job; nothing where there is none, or where none may be read.
last_warning() {
    plain "$(kube get events --field-selector "involvedObject.kind=$1,involvedObject.name=$2,type=Warning" --sort-by=.metadata.creationTimestamp -o go-template='{{range .items}}{{.reason}}: {{with .message}}{{urlquery .}}{{end}}{{"\n"}}{{end}}' | tail -n 1)"
}

# What the last Pod left behind. Nothing here changes how the script ends.
tell_last_pod() {
    local pod message
    pod=$(pod_lines | tail -n 1 | cut -d'|' -f1)
    if [ -z "$pod" ]; then
        say "there is no Pod to show"
        return
    fi
    message=$(kube get pod "$pod" --ignore-not-found -o go-template='{{range .status.containerStatuses}}{{with .state}}{{with .terminated}}exit code {{.exitCode}} ({{.reason}}){{with .message}}{{"\n"}}{{.}}{{end}}{{end}}{{end}}{{end}}')
    printf -- '--- termination message of %s\n%s\n' "$pod" "${message:-(none)}"
    printf -- '--- the last %s lines of its log\n' "$log_lines"
    kube logs "$pod" -c "$container" --tail="$log_lines" || say "no log: $(tail -n 1 "$errors")"
}

finish() {
    local code=$1
    shift
    say "$*"
    # The log of a Pod that never started is an error message of its own.
    case "$code" in 1[0-4] | 20 | 21 | 3[01]) ;; *) tell_last_pod ;; esac
    exit "$code"
}

# Ends as the reason of a Job's failure has it.
fail() {
    local reason=$1 message=$2
    case "$reason" in
        PodFailurePolicy) finish 3 "Job $job failed for good: $message" ;;
        BackoffLimitExceeded) finish 4 "Job $job failed after all tries: $message" ;;
        DeadlineExceeded) finish 5 "Job $job took too long: $message" ;;
        *) finish 1 "Job $job failed: $reason: $message" ;;
    esac
}

# Ends, when one of the conditions is an end. FailureTarget comes before Failed, which waits for the Pods' end: on a node
# that was lost it never comes. SuccessCriteriaMet is no end.
judge_conditions() {
    local IFS='|' condition type reason message
    for condition in $1; do
        IFS='=' read -r type reason message <<<"$condition"
        message=$(plain "$message")
        case "$type" in
            Complete) finish 0 "Job $job is complete" ;;
            Failed) fail "$reason" "$message" ;;
            FailureTarget)
                [ -n "$doomed_since" ] || doomed_since=$SECONDS
                [ $((SECONDS - doomed_since)) -lt "$LAST_WORDS" ] || fail "$reason" "$message"
                ;;
        esac
    done
}

# Why the newest Pod does not start, as CODE PATIENCE WORDS; nothing when it does.
trouble_of() {
    local name phase node waiting ending warning
    if [ -z "$1" ]; then
        warning=$(last_warning Job "$job")
        printf '13 %s no Pod is made: %s' "$start_patience" "${warning:-kubectl describe job $job}"
        return
    fi
    IFS='|' read -r name phase node waiting ending <<<"$1"
    case "$phase" in
        Succeeded | Failed) return 0 ;;
    esac
    # The node says when the Pod has ended, so from a lost one nobody hears it, and the Job waits for ever.
    if [ -n "$ending" ]; then
        printf '14 %s Pod %s was told to end, and its node does not say that it has' "$node_patience" "$name"
        return
    fi
    [ "$phase" = Pending ] || return 0
    node=$(plain "$node") waiting=$(plain "$waiting")
    case "$waiting" in
        ErrImage* | ImagePullBackOff:* | InvalidImageName:* | ImageInspectError:* | RegistryUnavailable:* | SignatureValidationFailed:*)
            printf '10 %s Pod %s: the image cannot be pulled: %s' "$start_patience" "$name" "$waiting" ;;
        CreateContainer* | RunContainerError:* | CreatePodSandboxError:* | PreCreateHookError:* | PreStartHookError:*)
            printf '11 %s Pod %s: the container cannot be made: %s' "$start_patience" "$name" "$waiting" ;;
        *)
            if [ -n "$node" ]; then
                printf '12 %s Pod %s has no node: %s' "$node_patience" "$name" "$node"
                return
            fi
            # A volume that cannot be mounted shows in no status.
            warning=$(last_warning Pod "$name")
            case "$warning" in
                FailedMount:* | FailedAttachVolume:* | FailedMapVolume:* | FailedCreatePodSandBox:*)
                    printf '11 %s Pod %s: the container cannot be made: %s' "$start_patience" "$name" "$warning" ;;
            esac
            ;;
    esac
}

doomed_since="" uid="" trouble="" trouble_code="" trouble_since=0 trouble_told="" api_since="" told_waiting=""
while :; do
    if found=$(job_line) && pods=$(pod_lines); then
        api_since=""
        if [ -z "$found" ]; then
            [ -n "$uid" ] && finish 20 "Job $job was deleted while it was waited for"
            finish 21 "there is no Job $job"
        fi
        IFS='|' read -r now suspended conditions <<<"$found"
        [ -z "$uid" ] || [ "$uid" = "$now" ] || finish 20 "Job $job was deleted, and another one has its name"
        uid=$now
        judge_conditions "$conditions"
        newest=$(tail -n 1 <<<"$pods")
        trouble=$([ -n "$suspended" ] || trouble_of "$newest")
        read -r code patience words <<<"$trouble"
        if [ "${code:-}" != "$trouble_code" ]; then
            trouble_code=${code:-} trouble_since=$SECONDS trouble_told=""
        elif [ -n "$trouble_code" ] && [ $((SECONDS - trouble_since)) -ge "$patience" ]; then
            finish "$trouble_code" "$words"
        elif [ -n "$trouble_code" ] && [ -z "$trouble_told" ] && [ $((SECONDS - trouble_since)) -ge "$NO_TROUBLE" ]; then
            trouble_told=yes
            say "$words"
        fi
        if [ -n "$suspended" ] && [ "$told_waiting" != suspended ]; then
            told_waiting=suspended
            say "Job $job is suspended"
        fi
    else
        case "$(cat "$errors")" in
            *Forbidden* | *Unauthorized* | *"must be logged in"*) finish 31 "$(tail -n 1 "$errors")" ;;
        esac
        if [ -z "$api_since" ]; then
            api_since=$SECONDS
            say "the API server does not answer: $(tail -n 1 "$errors")"
        elif [ $((SECONDS - api_since)) -ge "$api_patience" ]; then
            finish 30 "the API server has not answered for $api_patience s: $(tail -n 1 "$errors")"
        fi
    fi
    [ "$SECONDS" -lt "$timeout" ] || finish 40 "Job $job has not ended within $timeout s"
    sleep "$INTERVAL"
done
