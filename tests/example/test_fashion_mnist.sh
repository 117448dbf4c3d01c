#!/usr/bin/env bash
source "$(dirname "$0")/common.sh"
example fashion_mnist 2
check "the loss falls" "$(number '^epoch 2: loss \([0-9.]*\).*')" '<' "$(number '^epoch 1: loss \([0-9.]*\).*')"
check "test accuracy" "$(number '^test: .*accuracy \([0-9.]*\)$')" '>' 0.8
check "the first image is a boot" "$(number '^the first image is Ankle boot: \([0-9.]*\)$')" '>' 0.3
finish
