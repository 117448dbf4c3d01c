# shellcheck shell=bash disable=SC2034
# Sourced by the tests of the program. Each test stands alone: its own folder, a small data set, and checks that print
# what they found. A failed check is counted and the test goes on; `finish` at its end gives the exit code.
set -uo pipefail
: "${GRADSMITH_PROGRAM:?the program to test}" "${GRADSMITH_SOURCE_DIR:?root of the repository}"
work=$(mktemp -d "${TMPDIR:-/tmp}/gradsmith-cli-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset NO_COLOR GRADSMITH_DEVICE GRADSMITH_DATA_DIR GRADSMITH_DATA_BUDGET GRADSMITH_MAP_BYTES
checks=0 failures=0
code=0 # of the last run; its output is in the files out and err

helper=$work/helper
# shellcheck disable=SC2046
"${CC:-cc}" -std=c17 -D_POSIX_C_SOURCE=200809L -o "$helper" "$GRADSMITH_SOURCE_DIR/tests/cli/helper/helper.c" \
    $(pkg-config --cflags --libs libcjson) || exit 1

# run ARGUMENT...: the program
run() {
    last="gradsmith $*"
    "$GRADSMITH_PROGRAM" "$@" >out 2>err </dev/null
    code=$?
}

check() { # check WHAT CONDITION...
    checks=$((checks + 1))
    if ! "${@:2}"; then
        failures=$((failures + 1))
        printf 'FAILED: %s\n  after: %s\n  exit code %s\n' "$1" "$last" "$code"
        sed 's/^/  out: /' out | head -n 12
        sed 's/^/  err: /' err | head -n 12
    fi
}

exits() { check "exit code $1" test "$code" -eq "$1"; }
says() { check "$1 has \"$2\"" grep -qF -- "$2" "$1"; } # says FILE TEXT
silent() { check "$1 is empty" test ! -s "$1"; }       # silent FILE
exists() { for path; do check "$path exists" test -e "$path"; done; }
absent() { for path; do check "$path does not exist" test ! -e "$path"; done; }
same() { check "$1 is $2" test "$1" == "$2"; }
same_bytes() { check "$1 and $2 have the same bytes" cmp -s "$1" "$2"; }

# refused CODE ARGUMENT... -- TEXT...: the program fails with this code, says every text on stderr in a line that
# begins with its name, and prints nothing on stdout
refused() {
    local expected=$1 arguments=()
    shift
    while [[ $1 != -- ]]; do
        arguments+=("$1")
        shift
    done
    shift
    run "${arguments[@]}"
    exits "$expected"
    silent out
    check "stderr begins with gradsmith:" grep -q '^gradsmith: ' err
    check "no more than two lines on stderr" test "$(wc -l <err)" -le 2
    local text
    for text; do says err "$text"; done
}

json() { "$helper" json "$@"; } # json KEY... <FILE

finish() {
    echo "$checks checks, $failures failures"
    [[ $checks -gt 0 && $failures -eq 0 ]]
    exit
}

# 96 images of 28x28 and 32 more, of 3 classes, which a small network learns in a few epochs.
make_data() {
    "$helper" idx images labels 96 28 28 3 && "$helper" idx more-images more-labels 32 28 28 3 || exit 1
    data=idx:images,labels
    more=idx:more-images,more-labels
    layers="784 dense:16:relu dropout:0.1 dense:3"
}
