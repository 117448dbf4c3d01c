#!/usr/bin/env bash
source "$(dirname "$0")/common.sh"
example fashion_cnn 2 2048
check "the loss falls" "$(number '^epoch 2: loss \([0-9.]*\).*')" '<' "$(number '^epoch 1: loss \([0-9.]*\).*')"
check "test accuracy" "$(number '^test: .*accuracy \([0-9.]*\)$')" '>' 0.65
finish
