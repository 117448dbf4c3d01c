#!/usr/bin/env bash
# check.sh finds what it is there to find: one violation of each rule, in a made-up tree.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/src/{base,gpu,op,plan,cli,extra} "$root"/include/gradsmith "$root"/tests/cli
put() { printf '%s\n' "${@:2}" >"$root/$1"; }
failures=0

# expect TEXT...: check.sh's report has exactly these lines, and a count
expect() {
    local found
    found=$(bash "$here/check.sh" "$root" | LC_ALL=C sort) || true
    if ! diff <(printf '%s\n' "$@" | LC_ALL=C sort) <(echo "$found"); then failures=$((failures + 1)); fi
}

put src/base/a.c '#include "base/a.h"' '#include <gradsmith/status.h>' '// printf("only a comment")'
put src/base/a.h ''
put src/gpu/g.c '#include <volk.h>' '#include "base/a.h"' 'int snprintf(void);' 'int x = snprintf();'
put src/op/add.c '#include "plan/op.h"' '#include "shaders.h"' '#include "op/add.h"'
put src/op/add.h ''
put src/cli/main.c '#include <gradsmith/status.h>' '#include "main.h"' '#include "cli/main.h"' 'int main(void) { puts(""); }'
put src/cli/main.h ''
put tests/cli/test_x.c '#include <gradsmith/status.h>'
rmdir "$root/src/extra"
expect "8 files, 0 violations"

mkdir "$root/src/extra"
put src/base/b.c '#include "gpu/gpu.h"' '  #  include <vulkan/vulkan.h>' '#include "a.h"' 'void f(void) { exit(1); }'
put src/op/mul.c '#include "op/add.h"' '#include "model/model.h"' 'void f(void) { fprintf(stderr, "x"); }'
put src/cli/b.c '#include "base/a.h"'
put include/gradsmith/x.h '#include "status.h"'
put tests/cli/test_y.c '#include "plan/plan.h"'
seq 801 | sed 's/^/\/\/ /' >"$root/src/plan/long.c"
expect "14 files, 12 violations" \
    'include/gradsmith/x.h:1: a public header includes "status.h"; write <gradsmith/...>' \
    'src/base/b.c:1: src/base must not include "gpu/gpu.h" (allowed: base)' \
    'src/base/b.c:2: only src/gpu may include Vulkan headers' \
    'src/base/b.c:3: includes "a.h": write the folder too, as in "base/error.h"' \
    'src/base/b.c:4: the library must not print, exit or abort' \
    'src/cli/b.c:1: includes "base/a.h", but only headers of its own folder and <gradsmith/...> are allowed' \
    "src/extra/: is not a layer of this project" \
    'src/op/mul.c:1: an op must not include another op'"'"'s "op/add.h": share it through src/plan' \
    'src/op/mul.c:2: src/op must not include "model/model.h" (allowed: op plan data tensor gpu base)' \
    'src/op/mul.c:3: the library must not print, exit or abort' \
    'src/plan/long.c: has 801 lines; at most 800 are allowed' \
    'tests/cli/test_y.c:1: includes "plan/plan.h", but only headers of its own folder and <gradsmith/...> are allowed'
[[ $failures == 0 ]] && echo "ok"
