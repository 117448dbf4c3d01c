#!/usr/bin/env bash
# Each public header compiles alone, without warnings, as C17 and as C++17.
set -uo pipefail
source=${GRADSMITH_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cc=${CC:-cc} cxx=${CXX:-c++}
failures=0 count=0
flags=(-fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I "$source/include")

command -v "$cxx" >/dev/null || { echo "skipped: no C++ compiler ($cxx)"; exit 77; }
for header in "$source"/include/gradsmith/*.h; do
    name=gradsmith/$(basename "$header")
    for mode in "$cc -x c -std=c17" "$cxx -x c++ -std=c++17"; do
        count=$((count + 1))
        # Twice: the include guard works. A use of nothing: an empty file is not ISO C.
        printf '#include <%s>\n#include <%s>\nint gradsmith_header_test;\n' "$name" "$name" |
            $mode "${flags[@]}" - || { echo "FAILED: $name with $mode"; failures=$((failures + 1)); }
    done
done
echo "$count compilations, $failures failures"
[[ $count -gt 0 && $failures == 0 ]]
