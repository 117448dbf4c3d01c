#!/usr/bin/env bash
# A batch that the device has no room for: the message tells one that it has.
source "$(dirname "$0")/common.sh"
make_data
wide="28x28x1 conv2d:512:1 flatten dense:3"
run train --layers "$wide" --data "$data" --batch-size 96 --max-steps 1 --no-plots --quiet
if [[ $code -eq 0 ]]; then
    echo "skipped: this device has room for tensors of $((512 * 784 * 4 * 96)) bytes"
    exit 77
fi
exits 1
says err "; a batch of "
largest=$(sed -n 's/.*a batch of \([0-9]*\) fits/\1/p' err)
check "a batch between 16 and 95: $largest" test "$largest" -ge 16 -a "$largest" -lt 96
run train --layers "$wide" --data "$data" --batch-size "$largest" --max-steps 1 --no-plots --quiet
exits 0
finish
