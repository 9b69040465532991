#!/bin/sh
# Judges one target and says by the exit code whether the build may go on. Plain POSIX shell, for any CI.
#
#   sh conform.sh http://127.0.0.1:4566 conformance [--area dns ...]
#
# It needs `surveyor` on the path, and no secrets. What is known to fail is looked for beside a target's file: give the
# path of one instead of a URL where there is such a thing.
set -u

say() { echo "conform.sh: $*" >&2; }

if [ $# -lt 2 ]; then
    say "usage: conform.sh TARGET FOLDER [options of surveyor conform]"
    exit 2
fi
if ! command -v surveyor >/dev/null; then
    say "there is no surveyor on the path; install its wheel: python3 -m venv .surveyor && .surveyor/bin/pip install WHEEL"
    exit 2
fi
target=$1
folder=$2
shift 2

surveyor conform --target "$target" --out "$folder" "$@"
code=$?

# GitHub shows a file of Markdown, and tells by a variable where it wants it. Most others show junit.xml.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$folder/summary.md" ]; then
    cat "$folder/summary.md" >> "$GITHUB_STEP_SUMMARY"
fi

case $code in
    0) say "as expected" ;;
    1) say "a verdict moved: $folder/report.html shows which, and the calls behind it. If that is how it is to be from" \
        "now on: surveyor conform --target FILE.toml --update-expectations" ;;
    2) say "wrong usage: nothing was judged" ;;
    3) say "no verdict: the target could not be reached, or the harness broke" ;;
    4) say "something was left behind on the target: surveyor sweep $folder" ;;
    130) say "interrupted" ;;
    *) say "surveyor ended with code $code" ;;
esac
exit "$code"
