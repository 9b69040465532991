#!/bin/sh
# Run a load scenario; the exit code decides whether a deployment continues. Plain POSIX shell, for any CI.
#
#   sh gate.sh gate.toml FOLDER SCENARIO... [-- options of surveyor load]
#
# It needs `surveyor` on the path. On GitHub the result is shown on the page of the run.
set -u

say() { echo "gate.sh: $*" >&2; }

if [ $# -lt 3 ]; then
    say "usage: gate.sh GATE.toml FOLDER SCENARIO... [-- options of surveyor load]"
    exit 2
fi
if ! command -v surveyor >/dev/null; then
    say "surveyor is not on the path; install its wheel: python3 -m venv .surveyor && .surveyor/bin/pip install WHEEL"
    exit 2
fi
rules=$1
folder=$2
shift 2
names=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    names="$names $1"
    shift
done
[ $# -gt 0 ] && shift

# shellcheck disable=SC2086  # names are words
surveyor load $names --out "$folder" "$@"
code=$?
# 1: a check failed, which the gate judges by its own thresholds; a higher code means that nothing was measured.
if [ $code -gt 1 ]; then
    say "nothing was measured (exit code $code)"
    exit $code
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    surveyor gate "$rules" "$folder" --summary "$GITHUB_STEP_SUMMARY"
else
    surveyor gate "$rules" "$folder"
fi
