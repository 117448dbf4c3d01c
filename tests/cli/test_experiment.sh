#!/usr/bin/env bash
# Experiments and callbacks by the program: what is written repeats the training to the bit.
source "$(dirname "$0")/common.sh"
make_data

# A Python that has these modules, if there is one.
python_with() {
    local candidate
    for candidate in ${GRADSMITH_PYTHON:-} python3; do
        if "$candidate" -c "import ${1// /, }" 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

run train --layers "$layers" --data "$data" --validation-data "$more" --epochs 4 --seed 9 --learning-rate 0.01 \
    --batch-size 20 --optimizer rmsprop --rho 0.8 --early-stopping 50 --tensorboard logs --save-best best \
    --out runs/a
exits 0
silent err
exists runs/a/experiment.json runs/a/best/model.safetensors runs/a/checkpoints runs/a/logs/train \
    runs/a/logs/validation
check "nothing half-written" test -z "$(find runs/a -name '*.tmp')"

# To the bit, more than once, and from a copy.
run train runs/a/experiment.json --out runs/b
exits 0
same_bytes runs/a/model.safetensors runs/b/model.safetensors
same_bytes runs/a/experiment.json runs/b/experiment.json
same_bytes runs/a/best/model.safetensors runs/b/best/model.safetensors
cp runs/b/experiment.json copy.json
run train copy.json --out runs/c
same_bytes runs/a/model.safetensors runs/c/model.safetensors

# With all that an optimizer can have, and with a rate that is reduced on the way.
for options in "--schedule cosine:warmup_steps=3 --accumulate 2 --ema 0.9 --global-clipnorm 0.5" \
    "--schedule one_cycle --optimizer adamw --weight-decay 0.1" \
    "--precision mixed_float16 --loss-scale 1024 --loss-scale-growth 3 --optimizer nadam --beta1 0.8 --clipnorm 1" \
    "--paper-epsilon --epsilon 0.01 --beta2 0.9 --no-shuffle --max-steps 5 --class-weight balanced" \
    "--loss sparse_categorical_crossentropy:label_smoothing=0.2 --metrics top_k:2,accuracy --validation-split 0.3" \
    "--weights runs/a/model.safetensors --freeze dense" \
    "--init runs/a/model.safetensors --precision mixed_bfloat16" \
    "--reduce-on-plateau 0.5:1:0.001 --optimizer sgd --momentum 0.9 --nesterov --clipvalue 0.1"; do
    # shellcheck disable=SC2086
    run train --layers "$layers" --data "$data" --epochs 4 --seed 1 --learning-rate 0.02 --no-plots $options \
        --out runs/o
    exits 0
    run train runs/o/experiment.json --no-plots --out runs/p
    exits 0
    same_bytes runs/o/model.safetensors runs/p/model.safetensors
    same_bytes runs/o/experiment.json runs/p/experiment.json
    same "$(cut -d, -f1-3 runs/o/history.csv)" "$(cut -d, -f1-3 runs/p/history.csv)"
done
says runs/o/experiment.json ReduceLROnPlateau

# Fine-tuning: what the command line says of first weights goes before what the file says.
run train --layers "$layers" --data "$data" --weights runs/a/model.safetensors --freeze "dense" --out runs/o
same "$(json weights <runs/o/experiment.json)" runs/a/model.safetensors
same "$(json freeze <runs/o/experiment.json)" dense
run train runs/o/experiment.json --init runs/b/model.safetensors --precision mixed_bfloat16 --out runs/p
exits 0
says out 'mixed_bfloat16'
same "$(json weights <runs/p/experiment.json)" null
same "$(json init <runs/p/experiment.json)" runs/b/model.safetensors
run train runs/p/experiment.json --weights runs/b/model.safetensors --precision float32 --out runs/o
exits 0
same "$(json init <runs/o/experiment.json)" null
same "$(json precision <runs/o/experiment.json)" float32
echo '{"layers": "784 dense:3", "data": "'"$data"'", "precision": "mixed_bfloat16", "freeze": "x", "epochs": 2}' >tune.json
refused 1 train tune.json -- 'no layer "x"'

# An option is held by the file, or changes nothing of the result. A new one must be put here.
held="layers data data-dir validation-data validation-split test-split split label label-as categorical ignore missing
delimiter no-header image-size channels scale one-hot augment epochs max-steps batch-size optimizer learning-rate schedule
reduce-on-plateau clipnorm global-clipnorm clipvalue accumulate ema momentum nesterov beta1 beta2 rho epsilon paper-epsilon
weight-decay loss class-weight metrics precision loss-scale loss-scale-growth seed shuffle no-shuffle init weights freeze
early-stopping save-best tensorboard checkpoint-steps checkpoint-minutes keep on-nan device"
others="resume out log no-autotune no-plots profile quiet encrypt key-file passphrase-fd help"
run train --help
# shellcheck disable=SC2086
same "$(sed -n 's/^  --\([a-z0-9-]*\).*/\1/p' out | sort | tr '\n' ' ')" "$(printf '%s\n' $held $others | sort | tr '\n' ' ')"

# Tables by a recipe, and images that are changed at random.
awk 'BEGIN { print "kind,width,height"; for (i = 0; i < 90; i++)
    printf "%s,%.2f,%.2f\n", substr("abc", i % 3 + 1, 1), i % 3 + i % 7 / 10, 5 - i % 3 * i % 5 / 9 }' >table.csv
run train --layers "2 dense:8:relu dense:3" --data table.csv --label kind --scale standard --validation-split 0.2 \
    --test-split 0.1 --epochs 3 --seed 4 --out runs/table
exits 0
same "$(json recipe label <runs/table/experiment.json)" kind
same "$(json recipe scale <runs/table/experiment.json)" standard
run train runs/table/experiment.json --out runs/table2
exits 0
says out 'Test        loss'
for file in model.safetensors data.json experiment.json confusion.json; do
    same_bytes runs/table/$file runs/table2/$file
done
run train --layers "28x28 flatten dense:3" --data "$data" --augment flip,crop=2 --epochs 2 --out runs/augment
exits 0
run train runs/augment/experiment.json --out runs/augment2
exits 0
same_bytes runs/augment/model.safetensors runs/augment2/model.safetensors

# The command line goes before the file.
run train runs/a/experiment.json --epochs 1 --optimizer sgd --learning-rate 0.5 --validation-split 0.25 --out runs/d
exits 0
same "$(json epochs <runs/d/experiment.json)" 1
same "$(json seed <runs/d/experiment.json)" 9
same "$(json validation_split <runs/d/experiment.json)" 0.25
same "$(json optimizer class_name <runs/d/experiment.json)" SGD
same "$(json optimizer config learning_rate <runs/d/experiment.json)" 0.5
says out 'Epoch 1/1'
run train runs/a/experiment.json --layers "784 dense:3" --epochs 1
exits 0
says out '2,355 parameters'

# By hand, with a model beside the file.
mkdir -p deep
cp runs/a/model.json deep/net.json
cat >deep/mine.json <<END
{
  "model": "net.json", "data": "$data", "epochs": 2, "seed": 3,
  "optimizer": {"name": "adam", "learning_rate": 0.02},
  "callbacks": [{"name": "CSVLogger", "path": "mine.csv"}, {"name": "ModelCheckpoint", "path": "e{epoch}.safetensors"}]
}
END
run train deep/mine.json --out runs/e
exits 0
says out 'adam, learning rate 0.02'
exists runs/e/mine.csv runs/e/e1.safetensors runs/e/e2.safetensors
same "$(head -n 1 runs/e/mine.csv | tr -d '\r')" epoch,loss,accuracy,learning_rate,seconds

# What is wrong is said with its place; nothing is left behind.
echo '{"layers": "784 dense:3", "optimizer": {"name": "adam", "learning_rate": "fast"}}' >bad.json
refused 1 train bad.json --out runs/bad -- 'bad.json: $.optimizer.learning_rate: expected a number, found "fast"'
absent runs/bad
echo '{"layers": "784 dense:3"}' >bad.json
refused 2 train bad.json -- '--data is missing'
echo '{"model": "missing.json", "data": "x"}' >bad.json
refused 1 train bad.json -- missing.json
echo '{"layers": "784 dense:0", "data": "'"$data"'"}' >bad.json
refused 1 train bad.json -- dense
echo '{"layers": "784 dense:3", "data": "'"$data"'", "callbacks": [{"name": "CSVLogger", "path": "/no/such/x"}]}' >bad.json
refused_late() { # the device is open by then, so lines were printed
    run train bad.json --out runs/bad
    exits 1
    says err "$1"
    absent runs/bad
}
refused_late /no/such/x
refused 2 train --layers "$layers" --data "$data" --early-stopping -1 -- early-stopping

if python=$(python_with "tensorboard"); then
    "$python" - runs/a/logs >tags <<'END'
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
for part in "train", "validation":
    events = EventAccumulator(f"{sys.argv[1]}/{part}", size_guidance={"histograms": 0, "scalars": 0})
    events.Reload()
    tags = events.Tags()
    print(part, *sorted(tags["scalars"]), *sorted(tags["histograms"]))
    print(part, *(f"{s.step}:{s.value:.5f}" for s in events.Scalars("epoch_loss")))
    for tag in tags["histograms"]:
        h = events.Histograms(tag)[-1].histogram_value
        print(tag, int(h.num), sum(h.bucket) == h.num)
END
    says tags 'train epoch_accuracy epoch_learning_rate epoch_loss dense/bias/histogram dense/kernel/histogram'
    says tags 'validation epoch_accuracy epoch_loss'
    says tags 'dense/kernel/histogram 12544 True'
    same "$(sed -n 's/^train 0:\([0-9.]*\).*/\1/p' tags)" "$(printf %.5f "$(sed -n 2p runs/a/history.csv | cut -d, -f2)")"
else
    echo "skipped: no Python with the package tensorboard (GRADSMITH_PYTHON names one); tests/train/callbacks reads the files in C"
fi
if python=$(python_with "jsonschema"); then
    for file in runs/*/experiment.json deep/mine.json; do
        check "$file fits the schema" "$python" -c 'import json, sys, jsonschema
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))' \
            "$GRADSMITH_SOURCE_DIR/assets/experiment.schema.json" "$file"
    done
    echo '{"layers": "3", "epochs": 0}' >bad.json
    check "a bad one does not" bash -c '! "$0" -c "import json, sys, jsonschema
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))" "$@" 2>/dev/null' \
        "$python" "$GRADSMITH_SOURCE_DIR/assets/experiment.schema.json" bad.json
else
    echo "skipped: no Python with the package jsonschema (GRADSMITH_PYTHON names one); unit/experiment compares the members"
fi
finish
