#!/usr/bin/env bash
# Runs the pipeline with the state of the last run, which is kept encrypted: pull requests can read
# a cache. Exits with 4 when the state cannot be restored.
set -euo pipefail
refuse() { echo "::error title=pipe run::$1"; exit 4; }

case ${GITHUB_EVENT_NAME:-} in pull_request*) refuse "a pull request gets no state" ;; esac
[ -n "${PIPE_STATE_KEY:-}" ] || refuse "state-key is empty; make one with age-keygen and keep it as a secret"
command -v age >/dev/null || { sudo apt-get update -qq && sudo apt-get install -y -qq age; } >/dev/null 2>&1 ||
  refuse "age cannot be installed"
work=$(mktemp -d "${RUNNER_TEMP:?}/pipe-run.XXXXXX")
trap 'rm -rf "$work"' EXIT
umask 077
printf '%s\n' "$PIPE_STATE_KEY" >"$work/key"
unset PIPE_STATE_KEY
mkdir -p "$work/state"
kept=${GITHUB_WORKSPACE:?}/.pipe-state/state.tar.age
if [ -f "$kept" ]; then
  [ "${PIPE_FIRST_RUN:-}" != true ] || refuse "there is a state of an earlier run; leave first-run out"
  age --decrypt --identity "$work/key" --output "$work/state.tar" "$kept" 2>/dev/null ||
    refuse "the state cannot be decrypted"
  tar -xf "$work/state.tar" -C "$work/state" || refuse "the state is not an archive"
  rm "$work/state.tar"
elif [ "${PIPE_FIRST_RUN:-}" != true ]; then
  refuse "the state of the last run is missing; on a first run, set first-run"
fi
more=()
[ -z "${PIPE_APPROVE:-}" ] || more=(--approve "$PIPE_APPROVE")
code=0
pipe run --progress none --state "$work/state" --summary "${GITHUB_STEP_SUMMARY:?}" "${more[@]}" "${PIPE_FILE_INPUT:?}" || code=$?
mkdir -p "${kept%/*}"
tar -cf "$work/state.tar" -C "$work/state" .
age --encrypt --identity "$work/key" --output "$kept.new" "$work/state.tar"
mv "$kept.new" "$kept"
exit "$code"
