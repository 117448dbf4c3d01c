#!/usr/bin/env bash
# An installed copy is complete and can be moved: consumers find it by find_package and by pkg-config, build, link
# and run, with the shared and with the static library; nothing in it names the folder it was built in.
set -euo pipefail
source=${GRADSMITH_SOURCE_DIR:?} build=${GRADSMITH_BUILD_DIR:?}
[[ -z ${GRADSMITH_SANITIZE:-} ]] || { echo "skipped: consumers would need the sanitizers too"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/moved

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
mv "$work/prefix" "$prefix"
library=$(dirname "$(find "$prefix" -name libgradsmith.so)")
export LD_LIBRARY_PATH=$library

echo "find_package"
cmake -G Ninja -S "$source/tests/api/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="${CC:-cc}" -DCMAKE_CXX_COMPILER="${CXX:-c++}" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/consumer" >"$work/log" || { cat "$work/log"; exit 1; }
for program in shared static cplusplus; do "$work/consumer/$program"; done

echo "pkg-config"
export PKG_CONFIG_PATH=$library/pkgconfig
consumer=$source/tests/api/consumer/consumer.c
# shellcheck disable=SC2046 # flags are meant to be split
${CC:-cc} -std=c17 "$consumer" $(pkg-config --cflags --libs gradsmith) -o "$work/by_pkg_config"
"$work/by_pkg_config"
# shellcheck disable=SC2046
${CC:-cc} -std=c17 "$consumer" $(pkg-config --cflags gradsmith) "$library/libgradsmith.a" \
    $(pkg-config --static --libs gradsmith | sed 's/-lgradsmith//') -o "$work/by_pkg_config_static"
LD_LIBRARY_PATH='' "$work/by_pkg_config_static"
[[ $(pkg-config --modversion gradsmith) == "${GRADSMITH_VERSION:?}" ]]

if [[ -x $prefix/bin/gradsmith ]]; then
    echo "program"
    LD_LIBRARY_PATH='' "$prefix/bin/gradsmith" --help >"$work/log" || { cat "$work/log"; exit 1; }
fi

# Debug information names source files, so that only release builds are free of them.
files=(--include='*.cmake' --include='*.pc' --include='*.h')
[[ ${GRADSMITH_BUILD_TYPE:-} == Release ]] && files=()
if grep -rlF "${files[@]}" -e "$source/" -e "$build/" "$prefix"; then
    echo "these installed files name the build's folders"
    exit 1
fi
[[ -f $prefix/share/doc/gradsmith/LICENSE && ! -e $prefix/share/gradsmith/golden ]]
find "$prefix" -type f -o -type l | sed "s|$prefix/|  |" | LC_ALL=C sort
