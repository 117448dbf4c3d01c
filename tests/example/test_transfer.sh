#!/usr/bin/env bash
source "$(dirname "$0")/common.sh"
example transfer 2048 teacher.safetensors
with=$(number '.*accuracy \([0-9.]*\) with transfer.*')
check "the teacher learned" "$(number '^classes 0-4: accuracy \([0-9.]*\)$')" '>' 0.7
check "so did the pupil" "$with" '>' 0.6
check "transfer helps" "$with" '>' "$(number '.* \([0-9.]*\) without$')"
check "weights were saved" "$(wc -c <teacher.safetensors)" '>' 20000
finish
