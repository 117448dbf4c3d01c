#!/usr/bin/env bash
# train --weights and --freeze; models with Normalization are adapted to the data.
source "$(dirname "$0")/common.sh"

start=(train --data fashion-mnist:test --max-steps 3)
run "${start[@]}" --layers "784 dense:16:relu batch_normalization dense:10" --out base
exits 0
run "${start[@]}" --layers "784 dense:16:relu batch_normalization dense:12 dense:10" --weights base/model.safetensors \
    --freeze "dense,batch*" --out tuned
exits 0
says out "2 layers from base/model.safetensors, 1 left as it is for another shape, 1 not there"
says out "Trained     334 of 12,958 parameters"
run evaluate tuned --data fashion-mnist:test
exits 0
run summary tuned
says out "Trainable params: 334"
refused 1 "${start[@]}" --layers "784 dense:10" --freeze nothing -- 'no layer "nothing"'
refused 1 "${start[@]}" --layers "784 dense:10" --freeze dense --quiet -- 'all its layers are frozen'
refused 2 "${start[@]}" --layers "784 dense:10" --weights a --init b -- '--weights those that fit'
refused 1 "${start[@]}" --layers "784 dense:10" --weights nothing.safetensors -- nothing.safetensors

run "${start[@]}" --layers "784 normalization dense:10" --out adapted
exits 0
says out "Adapted"
check "the numbers are in model.json" grep -q '"mean": \[0' adapted/model.json
run "${start[@]}" --layers "784 normalization dense:10" --weights adapted/model.safetensors
exits 0
check "weights bring their numbers" test "$(grep -c Adapted out)" -eq 0
finish
