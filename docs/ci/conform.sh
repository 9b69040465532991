#!/bin/sh
# Test one target; the exit code decides whether the build continues. Plain POSIX shell, for any CI.
#
#   sh conform.sh http://127.0.0.1:4566 conformance [--area dns ...]
#
# It needs `surveyor` on the path, and no secrets. Known failures are read from a file beside the target file: pass the
# path of your target file instead of a URL if you have one.
set -u

say() { echo "conform.sh: $*" >&2; }

if [ $# -lt 2 ]; then
    say "usage: conform.sh TARGET FOLDER [options of surveyor conform]"
    exit 2
fi
if ! command -v surveyor >/dev/null; then
    say "surveyor is not on the path; install its wheel: python3 -m venv .surveyor && .surveyor/bin/pip install WHEEL"
    exit 2
fi
target=$1
folder=$2
shift 2

surveyor conform --target "$target" --out "$folder" "$@"
code=$?

# GitHub shows the Markdown file that this variable names. Most other CI systems show junit.xml.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$folder/summary.md" ]; then
    cat "$folder/summary.md" >> "$GITHUB_STEP_SUMMARY"
fi

case $code in
    0) say "as expected" ;;
    1) say "a verdict changed: $folder/report.html shows which, with the calls. To accept it as the new expectation:" \
        "surveyor conform --target FILE.toml --update-expectations" ;;
    2) say "invalid usage: nothing was judged" ;;
    3) say "no verdict: the target could not be reached, or the harness failed" ;;
    4) say "resources were left behind on the target; to delete them: surveyor sweep $folder" ;;
    5) say "no verdict: nothing passed or failed, so nothing is known about the target" ;;
    130) say "interrupted" ;;
    *) say "surveyor ended with code $code" ;;
esac
exit "$code"
