# shellcheck shell=bash
# Sourced by the tests of the examples: a folder of its own, and numbers from what an example printed.
set -uo pipefail
: "${GRADSMITH_BUILD_DIR:?folder with examples/}"
work=$(mktemp -d "${TMPDIR:-/tmp}/gradsmith-example-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset GRADSMITH_DATA_DIR
failures=0

# example NAME ARGUMENT...
example() {
    if ! "$GRADSMITH_BUILD_DIR/examples/$1" "${@:2}" >out 2>err; then
        cat out err
        exit 1
    fi
    cat out
}

number() { sed -n "s/$1/\\1/p" out | head -n 1; } # number PATTERN: its first group, in the first line that has it

# check WHAT A OPERATOR B: compares two numbers
check() {
    if ! awk -v a="$2" -v b="$4" "BEGIN { exit !(a != \"\" && b != \"\" && a + 0 $3 b + 0) }"; then
        echo "FAILED: $1: expected $2 $3 $4"
        failures=$((failures + 1))
    fi
}

finish() {
    [[ $failures -eq 0 ]]
    exit
}
