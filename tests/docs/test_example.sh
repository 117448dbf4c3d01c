#!/usr/bin/env bash
# docs/adding-an-op.md shows files of this tree as they are, and the layer works.
set -euo pipefail
root=${GRADSMITH_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
page=$root/docs/adding-an-op.md
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$copy"

# "**PATH**", then a block: a file. "**PATH** (a part)", then a block: lines that follow each other in it.
awk '
    /^\*\*[^*]+\*\*/ { path = $0; part = / \(a part\)/; sub(/^\*\*/, "", path); sub(/\*\*.*/, "", path); next }
    /^```/ && to { close(to); to = ""; path = ""; next }
    /^```/ && path { to = path; gsub(/\//, "@", to); to = (part ? "part@" ++parts "@" : "file@") to; next }
    to { print >> to }
' "$page"
for file in src/op/rescale.c shaders/rescale.comp tests/op/test_rescale.c src/model/layers/rescaling.c; do
    shown=file@${file//\//@}
    [[ -s $shown ]] || { echo "docs/adding-an-op.md does not show $file"; exit 1; }
    diff -u "$shown" "$root/$file" || { echo "docs/adding-an-op.md shows another $file"; exit 1; }
done
shopt -s nullglob
parts=(part@*)
[[ ${#parts[@]} -eq 3 ]] || { echo "expected 3 parts of files, found ${#parts[@]}"; exit 1; }
for shown in "${parts[@]}"; do
    file=${shown#part@*@}
    file=${file//@//}
    # Ends in a byte that the shell would strip otherwise.
    text=$(tr -s ' ' <"$root/$file"; echo x) wanted=$(tr -s ' ' <"$shown"; echo x)
    [[ $text == *"${wanted%x}"* ]] || { echo "$file has not these lines of docs/adding-an-op.md:"; cat "$shown"; exit 1; }
done

# The layer, from the command line, and through its JSON.
program=${GRADSMITH_PROGRAM:?}
"$program" summary --layers "784 rescaling:2:-1 dense:64:relu dense:10"
"$program" train --layers "784 rescaling:2:-1 dense:10" --data fashion-mnist --epochs 1 --batch-size 1024 --quiet \
    --seed 1 --out run
"$program" evaluate run --data fashion-mnist:test
grep -q '"Rescaling"' run/model.json
echo ok
