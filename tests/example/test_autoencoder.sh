#!/usr/bin/env bash
source "$(dirname "$0")/common.sh"
example autoencoder 2 seen.png
check "the loss falls" "$(number '^epoch 2: loss \([0-9.]*\)$')" '<' "$(number '^epoch 1: loss \([0-9.]*\)$')"
# The mean of the images as answer to all has a loss of 0.087.
check "test loss" "$(number '^test: loss \([0-9.]*\);.*')" '<' 0.04
check "a PNG" "$(head -c 8 seen.png | od -An -tx1 | tr -d ' \n' | sed 's/^89504e470d0a1a0a$/1/')" == 1
check "of some size" "$(wc -c <seen.png)" '>' 5000
finish
