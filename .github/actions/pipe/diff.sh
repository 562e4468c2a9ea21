#!/usr/bin/env bash
# Shows what a pull request changes. Addresses, credentials and programs come from the base
# branch. Without secrets, as in a pull request from a fork, both sides read recorded entities.
set -euo pipefail
fail() { echo "::error title=pipe diff::$1"; exit 2; }

file=${PIPE_FILE_INPUT:?} workspace=$(realpath "${GITHUB_WORKSPACE:?}") base=${GITHUB_WORKSPACE:?}/.pipe-base
# within prints a path that no link leads out of a folder.
within() {
  local path
  path=$(realpath -- "$1/$2" 2>/dev/null) && [ -f "$path" ] && case $path in "$(realpath "$1")"/*) echo "$path" ;; *) false ;; esac
}
[ ! -L "$base" ] || fail "the change replaces the checkout of the base branch by a link"
[ -f "$base/$file" ] || { echo "nothing to compare with: the file is new" | tee -a "${GITHUB_STEP_SUMMARY:?}"; exit 0; }
before=$(within "$base" "$file") || fail "the file of the base branch is outside of it"
after=$(within "$workspace" "$file") || fail "the file is missing or outside of the repository"

call=(pipe)
source=()
if [ "${PIPE_LIVE:-}" != true ] || [ "${PIPE_HEAD_REPOSITORY:-}" != "${GITHUB_REPOSITORY:?}" ] ||
  [ "${GITHUB_ACTOR:-}" = "dependabot[bot]" ]; then
  # Nothing of the job's environment but what the program needs to start.
  call=(env -i "PATH=$PATH" "HOME=${HOME:-/}" CI=true pipe)
  source=(--sandbox)
  if [ -n "${PIPE_CATALOG:-}" ]; then
    catalog=$(within "$base" "$PIPE_CATALOG") || fail "the catalog is not in the base branch"
    source+=(--catalog "$catalog")
  fi
fi
work=$(mktemp -d "${RUNNER_TEMP:?}/pipe-diff.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
"${call[@]}" run --dry-run --state "$work/state" --progress none --output "$work/out" --summary "$work/base.md" \
  "${source[@]}" "$before"
code=0
"${call[@]}" diff --progress none --against "$work/out" --base "$before" --summary "${GITHUB_STEP_SUMMARY:?}" \
  "${source[@]}" "$after" || code=$?
[ "$code" = 5 ] && code=0
exit "$code"
