#!/usr/bin/env bash
# usage: run.sh PROGRAM RUNS [FOLDER] [LIBFUZZER-OPTION...]
# Gives RUNS inputs to a fuzz target, beginning with its seeds, and fails at the first one that crashes, leaks, takes
# more than the time or the memory allowed; that input is then kept beside the program. New inputs that reach more of the
# code are kept in FOLDER (default: nowhere), and are where the next run goes on.
set -euo pipefail
program=$1 runs=$2 kept=${3:-}
shift $(($# < 3 ? $# : 3))
name=$(basename "$program")
seeds=$(dirname "$0")/corpus/$name
[[ -d $seeds ]] || { echo "run.sh: there are no seeds in $seeds" >&2; exit 1; }
if [[ -z $kept ]]; then
    kept=$(mktemp -d)
    trap 'rm -rf "$kept"' EXIT
fi
mkdir -p "$kept"
# Memory is limited far below what a file could claim, at a constant times the largest input.
case $name in
image | npz | gzip | checkpoint) limits=(-max_len=4096) ;;
*) limits=(-max_len=2048) ;;
esac
# The limit on time is that on a busy machine, with sanitizers that make all of this several times slower.
"$program" -runs="$runs" -seed=1 "${limits[@]}" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=128 \
    -artifact_prefix="$program-" -print_final_stats=1 -verbosity=0 "$@" "$kept" "$seeds" 2>&1
