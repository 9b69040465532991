#!/bin/sh
# Judges one target and says by the exit code whether the build may go on. Plain POSIX shell, for any CI.
#
#   sh conform.sh http://127.0.0.1:4566 reports [--area dns ...]
#
# It needs `surveyor` on the path (pip install 'surveyor[emulators]'), and no secrets. What is expected of the target is
# looked for beside its file: give the path of a target file instead of a URL where some failures are known.
set -u

if [ $# -lt 2 ]; then
    echo "usage: conform.sh TARGET FOLDER [options of surveyor conform]" >&2
    exit 2
fi
target=$1
folder=$2
shift 2

surveyor conform --target "$target" --out "$folder" "$@"
code=$?

# GitHub, GitLab and others show a file of Markdown or JUnit XML; where GitHub wants it is told by a variable.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$folder/summary.md" ]; then
    cat "$folder/summary.md" >> "$GITHUB_STEP_SUMMARY"
fi

case $code in
    0) echo "as expected" ;;
    1) echo "a verdict moved: $folder/report.html shows which, and the calls behind it" >&2 ;;
    2) echo "wrong usage: nothing was judged" >&2 ;;
    3) echo "the target could not be reached, or the harness broke" >&2 ;;
    4) echo "something was left behind on the target: surveyor sweep $folder" >&2 ;;
    130) echo "interrupted" >&2 ;;
esac
exit "$code"
