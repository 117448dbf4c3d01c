#!/usr/bin/env bash
# tools/spv2c.c: what reflection finds, and that a kernel which breaks a rule is refused by name.
set -uo pipefail
spv2c=${GRADSMITH_BUILD_DIR:?}/spv2c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

compile() { # compile NAME GLSL: NAME.spv
    printf '#version 450\n%s\n' "$2" >"$1.comp"
    if command -v glslc >/dev/null; then
        glslc -O0 --target-env=vulkan1.1 "$1.comp" -o "$1.spv"
    else
        glslangValidator --quiet -V --target-env vulkan1.1 "$1.comp" -o "$1.spv"
    fi
}

# refuse WHAT GLSL: spv2c exits 1 and its message has WHAT
refuse() {
    compile bad "layout(local_size_x = 64) in; $2" || fail "does not compile: $2"
    local message
    message=$("$spv2c" bad bad.spv bad.spv bad.c bad.h 2>&1)
    [[ $? == 1 && $message == "shaders/bad.comp: error: "*"$1"* ]] || fail "wanted \"$1\", got \"$message\""
}

A='layout(binding = 0) buffer A { float a[]; };'
refuse 'at most 4 storage buffers' 'layout(binding = 5) buffer B { float b[]; }; void main() { b[0] = 1; }'
refuse 'descriptor set 1' 'layout(set = 1, binding = 0) buffer B { float b[]; }; void main() { b[0] = 1; }'
refuse 'none at 0' 'layout(binding = 1) buffer B { float b[]; }; void main() { b[0] = 1; }'
refuse '"xy" must be' "$A layout(push_constant) uniform P { uvec2 xy; } p; void main() { a[0] = p.xy.x; }"
refuse '"d" must be' "$A layout(push_constant) uniform P { double d; } p; void main() { a[0] = float(p.d); }"
refuse '"n" is at byte 8 but must be at 4' \
    "$A layout(push_constant) uniform P { uint m; layout(offset = 8) uint n; } p; void main() { a[0] = p.n; }"
refuse '33 push constants' \
    "$A layout(push_constant) uniform P { $(seq 33 | sed 's/.*/uint m&;/') } p; void main() { a[0] = p.m1; }"
refuse 'only the State' "$A layout(binding = 1) uniform B { float b; }; void main() { a[0] = b; }"
refuse 'array of buffers' 'layout(binding = 0) buffer B { float b[]; } x[2]; void main() { x[0].b[0] = 1; }'
refuse 'constant_id 16' "$A layout(constant_id = 16) const uint N = 1; void main() { a[0] = N; }"
refuse 'neither a buffer nor a uniform texel buffer' \
    "$A layout(binding = 8) uniform itextureBuffer T; void main() { a[0] = texelFetch(T, 0).x; }"
refuse 'must be at 8 + i' "$A layout(binding = 7) uniform textureBuffer T; void main() { a[0] = texelFetch(T, 0).x; }"
refuse 'two defaults' "$A layout(constant_id = 0) const uint N = 8; layout(local_size_x_id = 0) in; void main() { a[0] = N; }"

# A kernel that has everything.
compile all '
layout(constant_id = 0) const uint THREADS = 32;
layout(constant_id = 2) const bool FLAG = false;
layout(constant_id = 5) const uint UNUSED = 7;
layout(local_size_x = 32, local_size_x_id = 0, local_size_y = 2) in;
layout(binding = 0) readonly buffer A { float a[]; };
layout(binding = 0) readonly buffer A4 { vec4 a4[]; };
layout(binding = 1) writeonly buffer B { float b[]; };
layout(binding = 2) buffer C { float c[]; };
layout(binding = 4) uniform STATE { uint step_; };
layout(binding = 8) uniform textureBuffer T0;
layout(binding = 10) uniform utextureBuffer T2;
layout(binding = 11) uniform samplerBuffer T3;
layout(push_constant) uniform PUSH { uint n; float scale; int k; uint unused; } push;
void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= push.n) return;
    b[i] = a[i] * push.scale + a4[i].x + texelFetch(T0, int(i)).x + (FLAG ? texelFetch(T3, push.k).y : 0);
    c[i] += float(texelFetch(T2, int(i)).z);
    c[i] += step_;
}' || fail "does not compile"
"$spv2c" all all.spv all.spv all.c all.h || fail "spv2c all"
mkdir -p shaders && cp all.h shaders/
source=${GRADSMITH_SOURCE_DIR:?}
cat >main.c <<'EOF'
#include "shaders/all.h"
#include <stdio.h>
int main(void) {
    const gs__shader *s = &gs__shader_all;
    struct gs_push_all push = {.n = 1u, .scale = 2.5f, .k = -3, .unused = 4u};
    printf("%s %zu %u %u %x %x %d %x %x %u,%u,%u", s->name, s->word_count, s->push_bytes, s->binding_count,
           s->binding_reads, s->binding_writes, s->reads_state, s->texel_mask, s->texel_words, s->local_size[0],
           s->local_size[1], s->local_size[2]);
    printf(" %d %d %d %d %u %.1f %d\n", GS_SPEC_ALL_THREADS, GS_SPEC_ALL_FLAG, GS_SPEC_ALL_UNUSED, GS_SPEC_ALL_COUNT,
           push.n, (double)push.scale, push.k);
    return s->words[0] == 0x07230203 ? 0 : 1;
}
EOF
${CC:-cc} -std=c17 -Wall -Wextra -Werror -I. -I"$source/src" -I"$source/include" main.c all.c -o main || fail "generated C"
found=$(./main) || fail "embedded words"
wanted="all $(($(wc -c <all.spv) / 4)) 16 4 d 6 1 d 4 32,2,1 0 2 5 6 1 2.5 -3"
[[ $found == "$wanted" ]] || fail "wanted \"$wanted\", got \"$found\""

# A header that would not change keeps its time, so that nothing is recompiled.
touch -d '2000-01-01' all.h all.c
"$spv2c" all all.spv all.spv all.c all.h || fail "second run"
[[ $(date -r all.h +%Y) == 2000 && $(date -r all.c +%Y) != 2000 ]] || fail "all.h was written again, or all.c was not"

# Broken input.
head -c 400 all.spv >short.spv
printf 'not a shader, but long enough for one' >text.spv
for file in short.spv text.spv missing.spv; do
    "$spv2c" all $file all.spv x.c x.h >message 2>&1 && fail "$file was accepted"
    grep -q "shaders/all.comp: error: $file" message || fail "$file: $(cat message)"
done
[[ $failures == 0 ]] && echo ok
