#!/usr/bin/env bash
# Files that cannot be written while a training goes on, or at its end: a message, exit code 1, nothing half-written.
# Losses that are not finite.
source "$(dirname "$0")/common.sh"
make_data
whole() { same "$(find "$1" -name '*.tmp' -o -name '.gradsmith*' -o -name lock)" ''; }

# What the model's file shall be is a folder: all but that is kept, and once it is gone the end is made up for.
run train --layers "$layers" --data "$data" --epochs 5 --no-plots --out good
mkdir -p bad/model.safetensors
run train --layers "$layers" --data "$data" --epochs 5 --no-plots --out bad
exits 1
says err 'bad/model.safetensors: cannot be written: Is a directory'
whole bad
exists bad/checkpoints/experiment.json
rmdir bad/model.safetensors
run train --resume bad --no-plots
exits 0
same_bytes good/model.safetensors bad/model.safetensors

for name in lock checkpoints; do
    rm -rf bad
    mkdir bad
    if [[ $name == lock ]]; then mkdir bad/lock; else echo >bad/checkpoints; fi
    run train --layers "$layers" --data "$data" --epochs 2 --no-plots --out bad
    exits 1
    says err "bad/$name"
    absent bad/model.safetensors
    same "$(ls bad)" "$name"
done

if [[ $(id -u) != 0 ]]; then
    mkdir -m 500 readonly
    refused 1 train --layers "$layers" --data "$data" --out readonly -- readonly 'Permission denied'
    same "$(ls -A readonly)" ''
else
    # A cut-off training whose checkpoints can be read but not written.
    echo "as root: permission bits do not count; tried on a read-only file system instead"
fi

# A rate that is far too high: an error with its cause, or a lower rate.
rate=(train --layers "784 dense:16:relu dense:3" --data "$data" --optimizer sgd --epochs 12 --no-plots --quiet)
run "${rate[@]}" --learning-rate 1e30 --out steep
exits 1
says err 'the loss is '
says err 'made the first value that is not finite'
absent steep/model.safetensors
run "${rate[@]}" --learning-rate 1e30 --on-nan restore:1e-16 --out lower
exits 0
same "$(json on_nan <lower/experiment.json)" restore
same "$(json nan_factor <lower/experiment.json)" 1e-16
run evaluate lower --data "$data" --json
exits 0
run train lower/experiment.json --no-plots --quiet --out again
same_bytes lower/model.safetensors again/model.safetensors
run "${rate[@]}" --learning-rate 1e30 --on-nan skip
exits 1
refused 2 "${rate[@]}" --on-nan never -- '--on-nan: expected stop, skip or restore' never
refused 2 "${rate[@]}" --on-nan restore:2 -- '--on-nan: expected'
refused 2 "${rate[@]}" --on-nan skip:0.5 -- '--on-nan: expected'
# The second half of a training that broke may go on in another way.
run "${rate[@]}" --learning-rate 0.01 --epochs 3 --out broke
run train broke/experiment.json --learning-rate 1e30 --checkpoint-steps 1 --no-plots --quiet --out broke2
exits 1
if [[ -e broke2/checkpoints/experiment.json ]]; then
    run train --resume broke2 --on-nan restore:1e-20 --no-plots --quiet
    exits 0
    exists broke2/model.safetensors
fi

# A file system of 1 MiB. As root, or in a name space of one's own.
small=$work/small
mkdir small
if mount -t tmpfs -o size=1m none "$small" 2>mount-error; then
    trap 'umount "$small"; rm -rf "$work"' EXIT
    # full UNITS: about 9.4 KB for each in a checkpoint, 3.1 in the model
    full() {
        rm -rf "${small:?}"/*
        run train --layers "784 dense:$1 dense:3" --data "$data" --epochs 30 --no-plots --out "$small/run" "${@:2}"
        whole "$small/run"
    }
    # Two checkpoints do not fit, the model does.
    full 60 --quiet
    exits 1
    silent out
    says err 'is not written: '
    says err 'No space left on device; the training goes on, the newest on disk is of step'
    exists "$small/run/model.safetensors"
    check "one checkpoint" test "$(find "$small/run/checkpoints" -name 'step-*' | wc -l)" -eq 1
    run train --layers "784 dense:60 dense:3" --data "$data" --epochs 30 --no-plots --out enough
    same_bytes enough/model.safetensors "$small/run/model.safetensors"
    # Not even one.
    full 140
    exits 1
    says err 'the training goes on, none is on disk'
    exists "$small/run/model.safetensors"
    # Nor the model: it begins again where there is room.
    full 400
    exits 1
    says err 'model.safetensors'
    says err 'No space left on device'
    absent "$small/run/model.safetensors"
    exists "$small/run/checkpoints/experiment.json"
    cp -r "$small/run" moved
    run train --resume moved --no-plots
    exits 0
    run evaluate moved --data "$data"
    exits 0

    rm -rf "${small:?}"/*
    cp -r good "$small/run"
    mount -o remount,ro "$small"
    refused 1 train --layers "$layers" --data "$data" --out "$small/run" -- "$small/run" 'Read-only file system'
    refused 1 train --layers "$layers" --data "$data" --out "$small/new" -- "$small/new" 'Read-only file system'
    mount -o remount,rw "$small"
    check "nothing is changed" diff -r good "$small/run"
else echo "not tried: a full and a read-only file system: $(cat mount-error)"; fi
finish
