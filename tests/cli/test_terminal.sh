#!/usr/bin/env bash
# What a terminal shows while training: a bar in one line that is rewritten, colours unless NO_COLOR is set.
source "$(dirname "$0")/common.sh"
if ! command -v script >/dev/null; then
    echo "skipped: the program script (Debian package bsdutils) is not installed"
    exit 77
fi
make_data

# on_terminal COLUMNS VARIABLE... : trains on a terminal of this width; its output goes to the file out
on_terminal() {
    last="training on a terminal of $1 columns, ${*:2}"
    local command
    command="stty cols $1 rows 24; exec env ${*:2} '$GRADSMITH_PROGRAM' train --layers '$layers' --data '$data'"
    TERM=xterm script -qec "$command --validation-data '$more' --epochs 2 --out run" typescript >out 2>err </dev/null
    code=$?
    exits 0
    # One line for each state of the terminal's last line.
    tr '\r' '\n' <out | sed "s/$(printf '\033')\[[0-9;]*m//g" >lines
    says lines 'Epoch 2/2  loss '
    says lines 'val_accuracy 1.0000'
}
# longest LINE-PATTERN: the most columns of a line, as ASCII
longest() { grep "$1" lines | awk '{ if (length > most) most = length } END { print most + 0 }'; }
escapes() { LC_ALL=C grep -c "$(printf '\033')" out; }
returns() { LC_ALL=C tr -cd '\r' <out | wc -c; }

on_terminal 80 LC_ALL=C NO_COLOR=
says lines 'Epoch 1/2  '
says lines 'validating'
says lines '===='
check "colours" test "$(escapes)" -gt 0
check "fits 80 columns" test "$(longest Epoch)" -lt 80
check "rewrites its line" test "$(returns)" -gt 6

on_terminal 40 LC_ALL=C NO_COLOR=1
check "no colours, no escapes" test "$(escapes)" -eq 0
check "fits 40 columns" test "$(longest '\(Epoch\|val_\)')" -lt 41
on_terminal 12 LC_ALL=C NO_COLOR=1
check "the bar fits 12 columns" test "$(longest validating)" -lt 13

if [[ $(LC_ALL=C.UTF-8 locale charmap 2>/dev/null) == UTF-8 ]]; then
    on_terminal 80 LC_ALL=C.UTF-8 NO_COLOR=1
    says lines '━━━'
else
    echo "note: no locale C.UTF-8; its bar is not looked at"
fi

# A terminal that cannot rewrite a line gets plain ones.
on_terminal 80 LC_ALL=C TERM=dumb
check "no escapes" test "$(escapes)" -eq 0
check "nothing but whole lines" test "$(grep -c '^Epoch' lines)" -eq 2
finish
