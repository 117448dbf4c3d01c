#!/usr/bin/env bash
# What the documentation names exists: files behind relative links, headings behind #anchors, files written as `path`,
# options of the program and of the tools, environment variables (docs/troubleshooting.md lists all of them).
set -euo pipefail
root=${GRADSMITH_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
program=${GRADSMITH_PROGRAM:-$root/build/gradsmith}
cd "$root"
failures=0

report() {
    echo "$*"
    failures=$((failures + 1))
}

mapfile -t pages < <(find . \( -name .git -o -path './build*' -o -path ./.cache \) -prune -o \
    -name '*.md' -printf '%P\n' | LC_ALL=C sort)
[[ ${#pages[@]} -ge 8 ]] || report "only ${#pages[@]} pages of documentation"

# As GitHub makes them: lower case, punctuation dropped, spaces to dashes.
anchors_of() { sed -nE 's/^#+ +//p' "$1" | tr 'A-Z ' 'a-z-' | sed 's/[^a-z0-9_-]//g'; }

check_link() { # check_link PAGE TARGET
    local page=$1 target=$2 file anchor=''
    case $target in
    http://* | https://* | mailto:*) return ;;
    esac
    if [[ $target == *'#'* ]]; then anchor=${target#*'#'}; fi
    file=${target%%'#'*}
    if [[ -z $file ]]; then file=$page; else file=$(dirname "$page")/$file; fi
    if [[ ! -e $file ]]; then
        report "$page: links to $target, which does not exist"
    elif [[ -n $anchor && $file == *.md ]] && ! grep -qxF -- "$anchor" <<<"$(anchors_of "$file")"; then
        report "$page: links to $target, but there is no such heading"
    fi
}

# A page may show files that it tells the reader to make: "**src/op/rescale.c**" above a block.
check_path() { # check_path PAGE PATH
    if [[ -e $2 || $2 =~ [A-Z][A-Z]+[/_.]|[A-Z][A-Z]+$|'*' ]]; then return; fi
    grep -qF "**$2**" "$1" || report "$1: names $2, which does not exist"
}

for page in "${pages[@]}"; do
    while read -r target; do check_link "$page" "$target"; done < <(
        grep -oE '\]\([^) ]+\)' "$page" | sed -E 's/^\]\((.*)\)$/\1/')
    while read -r path; do check_path "$page" "$path"; done < <(
        grep -oE '`(src|include|shaders|tests|tools|docs|assets|cmake|examples)/[^` ]+`' "$page" | tr -d '`' | sort -u)
done

# --- options ------------------------------------------------------------------------------------------------------
declare -A help=()
if [[ ! -x $program ]]; then
    echo "there is no program at $program: build it first"
    exit 1
fi
help[any]=$("$program" --help)
for command in devices summary train evaluate predict protect rekey sign verify keygen; do
    help[$command]=$("$program" "$command" --help)
    help[any]+=${help[$command]}
done
for tool in quickstart check install-deps; do help[any]+=$("tools/$tool" --help); done
# Of CMake, ctest and pkg-config, as the pages use them.
others='--preset --build --target --test-dir --output-on-failure --install --prefix --parallel --cflags --libs --init'

has_option() { grep -qE -- "(^|[^-a-z])$2([^-a-z]|\$)" <<<"${help[$1]:-}"; }

for page in README.md CONTRIBUTING.md docs/*.md; do
    # Commands of the program, with the lines that they go on with.
    while read -r command options; do
        for option in $(grep -oE -- '(^|[ (`])--[a-z][a-z-]*' <<<"$options" | tr -d ' (`'); do
            has_option "$command" "$option" || report "$page: gradsmith $command has no option $option"
        done
    done < <(sed -e ':a' -e '/\\$/{N;s/\\\n//;ta' -e '}' "$page" |
        grep -oE 'gradsmith (devices|summary|train|evaluate|predict)( [^|`#]*)?' | sed 's/^gradsmith //')
    for option in $(grep -oE -- '`--[a-z][a-z-]*' "$page" | tr -d '`' | sort -u); do
        has_option any "$option" || [[ " $others " == *" $option "* ]] || report "$page: nothing has an option $option"
    done
done

# --- environment --------------------------------------------------------------------------------------------------
read_by_us=$(grep -rhoE '"(GRADSMITH_[A-Z_]+|NO_COLOR)"' src | tr -d '"' | sort -u)
for name in $read_by_us; do
    grep -qF "\`$name" docs/troubleshooting.md || report "docs/troubleshooting.md does not explain $name"
done
for name in $(sed -nE 's/^\| `([A-Z_]+)[=`].*/\1/p' docs/troubleshooting.md); do
    grep -qx "$name" <<<"$read_by_us" || report "docs/troubleshooting.md explains $name, which nothing reads"
done

echo "${#pages[@]} pages, $failures failures"
[[ $failures == 0 ]]
