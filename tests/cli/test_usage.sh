#!/usr/bin/env bash
# Command lines: help, version, and what is wrong with the others. Needs no device.
source "$(dirname "$0")/common.sh"
model=$GRADSMITH_SOURCE_DIR/assets/models/fashion-mlp.json

run --version
exits 0
same "$(head -n 1 out)" "gradsmith ${GRADSMITH_VERSION:?}"
says out "protected models: "
run --help
exits 0
silent err
for command in devices summary train evaluate predict protect unprotect rekey sign verify keygen bench report; do
    run --help
    says out "  $command "
    run "$command" --help
    exits 0
    silent err
    says out "Usage: gradsmith $command"
    check "no line of more than 80 columns" test "$(awk 'length > 80' out | wc -l)" -eq 0
    cp out help
    run help "$command"
    same_bytes out help
    run "$command" -h
    same_bytes out help
done

run
exits 2
silent out
says err "Usage: gradsmith COMMAND"

refused 2 trian -- 'unknown command "trian"' 'did you mean "train"' 'gradsmith --help'
refused 2 --verison -- 'unknown option "--verison"'
refused 2 help nothing-like-it -- 'unknown command "nothing-like-it"'
refused 2 train --bach-size 3 -- 'unknown option "--bach-size"' 'did you mean --batch-size?' 'gradsmith train --help'
refused 2 train --epoch 3 -- 'unknown option "--epoch"' 'did you mean --epochs?'
refused 2 train --no -- 'unknown option "--no"'
refused 2 train --foo=1 -- 'unknown option "--foo"'
refused 2 train -x -- 'unknown option "-x"'
refused 2 train "$model" -x -- 'unknown option "-x"'
refused 2 train --quiet=1 -- '--quiet takes no value'
refused 2 train "$model" --epochs -- '--epochs needs a value'
refused 2 devices here -- 'unexpected argument "here"'
refused 2 train a b -- 'unexpected argument "b"'
refused 2 summary -- 'expected MODEL or --layers' neither
refused 2 summary "$model" --layers "4 dense:1" -- both
refused 2 train --data fashion-mnist -- 'expected MODEL or --layers'
refused 2 train "$model" -- '--data is missing'
refused 2 evaluate -- 'expected DIR'
refused 2 evaluate here -- '--data is missing'
refused 2 predict here -- '--input is missing'
refused 2 train "" --data fashion-mnist -- 'expected MODEL, found ""'
refused 2 train "$model" --data "" -- '--data: expected DATA, found ""'

for value in 0 -1 +1 1.5 1e3 " 1" 1x "" 1048577 99999999999999999999999; do
    refused 2 train "$model" --data x --batch-size "$value" -- \
        "--batch-size: expected an integer from 1 to 1048576, found \"$value\""
done
refused 2 train "$model" --data x --epochs 0 -- '--epochs: expected an integer from 1 to' 'found "0"'
refused 2 train "$model" --data x --seed 18446744073709551616 -- '--seed: expected an integer from 0 to'
refused 2 summary "$model" --batch-size 0 -- '--batch-size: expected an integer from 1'
for value in nan NaN inf -1 0 1e999 1e-300 0.1x "" " 0.1"; do
    refused 2 train "$model" --data x --learning-rate "$value" -- \
        "--learning-rate: expected a number above 0, found \"$value\""
done
refused 2 train "$model" --data x --momentum 1 -- '--momentum: expected a number from 0 to below 1, found "1"'
refused 2 train "$model" --data x --validation-split 1 -- '--validation-split: expected a number from 0 to below 1'
refused 2 train "$model" --data x --weight-decay -0.1 -- '--weight-decay: expected a number from 0, found "-0.1"'
refused 2 train "$model" --data x --validation-split 0.1 --validation-data x -- exclude
refused 2 train "$model" --data x --quiet --profile -- --profile --quiet

refused 2 train "$model" --data x --optimizer adm -- '--optimizer: unknown name "adm"' 'did you mean adam?' rmsprop
refused 2 train "$model" --data x --loss mes -- '--loss: unknown name "mes"' 'did you mean mse?'
refused 2 train "$model" --data x --loss huber:0 -- 'huber:DELTA' 'found "huber:0"'
refused 2 train "$model" --data x --metrics accuracy,,mse -- '--metrics: unknown name ""'
refused 2 train "$model" --data x --metrics top_k:0 -- 'top_k:K'
refused 2 train "$model" --data x --metrics mse,mae,mse,mae,mse,mae -- 'at most 5'
refused 2 train "$model" --data x --optimizer sgd --rho 0.5 -- '--rho' sgd
refused 2 train "$model" --data x --optimizer adam --momentum 0.5 -- '--momentum' adam
refused 2 train "$model" --data x --loss mse:gamma -- '--loss: expected NAME[:FIELD=VALUE...]' 'found "mse:gamma"'
refused 2 train "$model" --data x --loss huber:gamma -- 'huber:DELTA' 'found "huber:gamma"'
refused 2 train "$model" --data x --loss hinge:gamma=-1 -- '--loss: expected NAME[:FIELD=VALUE...]'
for value in 1 0:x 0:1, :1 0:-1 0:1,x even; do
    refused 2 train "$model" --data x --class-weight $value -- '--class-weight: expected balanced, or CLASS:WEIGHT' "$value"
done
refused 2 train "$model" --data x --optimizer lion --epsilon 0.5 -- '--epsilon' lion
refused 2 train "$model" --data x --schedule cosin -- '--schedule: unknown schedule "cosin"; known are constant' one_cycle
refused 2 train "$model" --data x --schedule cosine:alpha=2 -- '--schedule: schedule cosine: alpha is 2'
refused 2 train "$model" --data x --clipnorm 1 --clipvalue 1 -- '--clipnorm, --global-clipnorm and --clipvalue exclude'
refused 2 train "$model" --data x --clipnorm 0 -- '--clipnorm: expected a number above 0'
refused 2 train "$model" --data x --accumulate 0 -- '--accumulate: expected an integer from 1'
refused 2 train "$model" --data x --ema 1 -- '--ema: expected a number from 0 to below 1'
for value in 0 1 0.5: 0.5:0 0.5:2:x 0.5:2:-1 x; do
    refused 2 train "$model" --data x --reduce-on-plateau $value -- \
        "--reduce-on-plateau: expected FACTOR[:PATIENCE[:MIN]]" "found \"$value\""
done

# What cannot be written is an error, too.
if [[ -e /dev/full ]]; then
    "$GRADSMITH_PROGRAM" --version >/dev/full 2>err
    code=$?
    exits 1
    says err "standard output"
fi
finish
