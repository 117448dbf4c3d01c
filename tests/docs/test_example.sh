#!/usr/bin/env bash
# docs/adding-an-op.md works: its files, put into a copy of this tree, build, and its tests pass.
set -euo pipefail
if [[ -n ${GRADSMITH_SANITIZE:-} ]]; then
    echo "skipped: the build without sanitizers runs this"
    exit 77
fi
root=${GRADSMITH_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
page=$root/docs/adding-an-op.md
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
tar -C "$root" -cf - CMakeLists.txt cmake include shaders src tests tools assets | tar -C "$copy" -xf -
cd "$copy"

# "**PATH**", then a block: a file. "**PATH** (a change)", then a block: a patch.
awk '
    /^\*\*[^*]+\*\*/ { path = $0; sub(/^\*\*/, "", path); sub(/\*\*.*/, "", path); next }
    /^```/ && to { close(to); to = ""; path = ""; next }
    /^```/ && path { to = ($0 == "```diff") ? "changes.diff" : path; next }
    to { print >> to }
' "$page"
for file in src/op/rescale.c shaders/rescale.comp tests/op/test_rescale.c src/model/layers/rescaling.c changes.diff; do
    [[ -s $file ]] || { echo "docs/adding-an-op.md does not show $file"; exit 1; }
done
GIT_CEILING_DIRECTORIES=$(dirname "$copy") git apply changes.diff

cmake -G Ninja -S . -B build -DGRADSMITH_TESTS=ON -DGRADSMITH_EXAMPLES=OFF -DGRADSMITH_WERROR=ON --log-level=WARNING
if ! cmake --build build --parallel 2 --target test_op_rescale gradsmith_program >build.log 2>&1; then
    cat build.log
    exit 1
fi
ctest --test-dir build -R '^op/rescale$' --output-on-failure --no-tests=error
# The layer, from the command line, and through its JSON.
build/gradsmith summary --layers "784 rescaling:2:-1 dense:64:relu dense:10"
build/gradsmith train --layers "784 rescaling:2:-1 dense:10" --data fashion-mnist --epochs 1 --batch-size 1024 --quiet \
    --seed 1 --out run
build/gradsmith evaluate run --data fashion-mnist:test
grep -q '"Rescaling"' run/model.json
echo ok
