#!/usr/bin/env bash
# What the libraries export is exactly what the public headers declare with GS_API.
set -euo pipefail
source=${GRADSMITH_SOURCE_DIR:?} build=${GRADSMITH_BUILD_DIR:?}
[[ -z ${GRADSMITH_SANITIZE:-} ]] || { echo "skipped: sanitizers add symbols of their own"; exit 77; }
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The name before the first parenthesis after GS_API; declarations may span lines.
sed 's://.*::' "$source"/include/gradsmith/*.h | grep -v '^ *#' | tr '\n' ' ' | grep -oE 'GS_API [^(;]*\(' |
    sed -E 's/ *\($//; s/.*[ *]//' | sort -u >"$work/declared"
[[ -s $work/declared ]] || { echo "no GS_API declaration found"; exit 1; }

failures=0
check() { # check FILE NM-OPTIONS...
    nm "${@:2}" --defined-only "$1" | awk 'NF >= 3 { print $3 }' | sort -u >"$work/exported"
    echo "$(basename "$1"): $(wc -l <"$work/exported") symbols, $(wc -l <"$work/declared") declared"
    if ! diff "$work/declared" "$work/exported" >"$work/diff"; then
        sed -nE 's/^< /  declared but not defined: /p; s/^> /  exported but not declared: /p' "$work/diff"
        failures=$((failures + 1))
    fi
}
check "$build/libgradsmith.so" -D
check "$build/libgradsmith.a" -g
[[ $failures == 0 ]]
