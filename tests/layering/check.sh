#!/usr/bin/env bash
# usage: check.sh ROOT
# Checks the C files below ROOT against the layers of docs/architecture.md:
#   - a folder includes only itself, the folders below it and the public headers
#   - only src/gpu includes Vulkan headers
#   - op files do not include each other
#   - the library does not print, exit or abort
#   - a file of src/ has at most 800 lines
# Prints each violation as FILE:LINE: what; exit code 1 when there is one.
set -euo pipefail
cd "$1"

# Folders that each folder may include, and the generated and shared headers it may use.
declare -A below=(
    [base]="base"
    [gpu]="gpu base"
    [context]="context gpu base"
    [protect]="protect context gpu base"
    [tensor]="tensor gpu base"
    [data]="data protect tensor context gpu base"
    [plan]="plan data tensor gpu base"
    [op]="op plan data tensor gpu base"
    [model]="model op plan data protect tensor context gpu base"
    [train]="train model op plan data protect tensor context gpu base"
    [plot]="plot context gpu base"
    [report]="report plot context gpu base"
    [doctor]="doctor train model op plan data protect tensor context gpu base"
    [bench]="bench train model op plan data protect tensor context gpu base"
)
declare -A extra=(
    [gpu]="state.h"
    [plan]="state.h schedule.h shaders.h op_list.inc"
    [op]="state.h shaders.h"
    [model]="state.h shaders.h layer_list.inc"
    [train]="state.h schedule.h shaders.h tensorboard.pb-c.h"
    [doctor]="state.h"
    [bench]="shaders.h"
)
failures=0

report() {
    echo "$1: $2"
    failures=$((failures + 1))
}

# "a b c" has word?
has() { [[ " $1 " == *" $2 "* ]]; }

# check_quoted FILE LINE FOLDER INCLUDED: an #include "..." of a library file
check_quoted() {
    local folder=$3 target=${4%%/*}
    if has "${extra[$folder]:-}" "$4"; then return; fi
    if [[ $4 != */* ]]; then
        report "$1:$2" "includes \"$4\": write the folder too, as in \"base/error.h\""
    elif ! has "${below[$folder]:-}" "$target"; then
        report "$1:$2" "src/$folder must not include \"$4\" (allowed: ${below[$folder]:-nothing})"
    elif [[ $folder == op && $target == op && -e src/${4%.h}.c && src/${4%.h} != "${1%.*}" ]]; then
        report "$1:$2" "an op must not include another op's \"$4\": share it through src/plan"
    fi
}

# check_outside FILE LINE INCLUDED: an #include "..." of code that sees the public headers only
check_outside() {
    if [[ ! -e $(dirname "$1")/$3 && ! -e src/$3 ]] || [[ -e src/$3 && src/$3 != "$(dirname "$1")"/* ]]; then
        report "$1:$2" "includes \"$3\", but only headers of its own folder and <gradsmith/...> are allowed"
    fi
}

check_file() {
    local file=$1 line included
    while IFS=: read -r line included; do
        case $included in
        '<vulkan/'* | '<volk'* | '<vk_'* | '"vulkan/'* | '"volk'*)
            [[ $file == src/gpu/* || $file == tests/fault/layer/* ]] || report "$file:$line" "only src/gpu may include Vulkan headers"
            ;;
        '"'*)
            included=${included//\"/}
            case $file in
            src/cli/* | examples/* | tests/api/* | tests/cli/*) check_outside "$file" "$line" "$included" ;;
            include/*) report "$file:$line" "a public header includes \"$included\"; write <gradsmith/...>" ;;
            src/*)
                local folder=${file#src/}
                check_quoted "$file" "$line" "${folder%%/*}" "$included"
                ;;
            esac
            ;;
        esac
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1/;t p;b;:p;=;p' "$file" |
        paste -d: - -)
}

files=$(find src include examples tests -name '*.[ch]' 2>/dev/null | LC_ALL=C sort || true)
[[ -n $files ]] || report "$1" "has no C files"
for file in $files; do check_file "$file"; done

for folder in src/*/; do
    name=$(basename "$folder")
    [[ $name == cli || -n ${below[$name]:-} ]] || report "$folder" "is not a layer of this project"
done

# Code that prints or ends the process, comments left out.
ends='(^|[^[:alnum:]_"])(printf|puts|putchar|perror|exit|_Exit|abort|assert) ?\(|[(, ](stdout|stderr)([^[:alnum:]_]|$)'
for file in $files; do
    [[ $file == src/* && $file != src/cli/* ]] || continue
    while IFS=: read -r line _; do
        report "$file:$line" "the library must not print, exit or abort"
    done < <(sed 's://.*::' "$file" | grep -nE "$ends" || true)
done

for file in $files; do
    [[ $file == src/* ]] || continue
    lines=$(wc -l <"$file")
    [[ $lines -le 800 ]] || report "$file" "has $lines lines; at most 800 are allowed"
done

echo "$(wc -w <<<"$files") files, $failures violations"
[[ $failures == 0 ]]
