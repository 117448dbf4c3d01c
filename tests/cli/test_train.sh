#!/usr/bin/env bash
# gradsmith train, evaluate and predict as they should be used, on data that is learnt in a moment.
source "$(dirname "$0")/common.sh"
make_data
learn=(train --layers "$layers" --data "$data" --learning-rate 0.01 --seed 3)

run "${learn[@]}" --epochs 6 --validation-data "$more" --out runs/a --log a.jsonl
exits 0
silent err
for text in '12,611 parameters' '96 samples' '3 classes' 'Epoch 1/6  loss ' 'Epoch 6/6  loss ' 'val_accuracy 1.0000' \
    'samples/s' 'Saved to runs/a'; do
    says out "$text"
done
check "a line for each epoch" test "$(grep -c '^Epoch' out)" -eq 6
check "plain text only" test "$(LC_ALL=C grep -c "$(printf '[\033\r]')" out)" -eq 0
exists runs/a/model.json runs/a/model.safetensors runs/a/experiment.json runs/a/history.csv runs/a/log.jsonl
same "$(find runs/a -type f -not -path "*/checkpoints/*" | wc -l)" 11 # nothing else, nothing half-written
head -c 1000 runs/a/model.safetensors | tr -d '\0' >start
for text in '"dense/kernel"' '[784,16]' '"dense/bias"' '[16]' '"dense_1/kernel"' '[16,3]' '"F32"'; do says start "$text"; done
same_bytes runs/a/log.jsonl a.jsonl

# Data that does not fit in device memory: said, and the same results.
check "not streamed" test "$(grep -c streamed out)" -eq 0
GRADSMITH_DATA_BUDGET=1000 run "${learn[@]}" --epochs 6 --validation-data "$more" --out runs/streamed
exits 0
same "$(grep -c 'streamed: it does not fit in device memory' out)" 1
same_bytes runs/a/model.safetensors runs/streamed/model.safetensors
run evaluate runs/a --data "$data" --json
whole=$(json loss <out)
GRADSMITH_DATA_BUDGET=0 run evaluate runs/a --data "$data" --json
same "$(json loss <out)" "$whole"
GRADSMITH_DATA_BUDGET=4k refused 1 evaluate runs/a --data "$data" -- GRADSMITH_DATA_BUDGET=4k
rm -r runs/streamed

# The log: one JSON object an epoch, which the history repeats.
same "$(wc -l <runs/a/log.jsonl)" 6
for epoch in 1 6; do
    sed -n ${epoch}p runs/a/log.jsonl >line
    same "$(json epoch <line)" $epoch
    for key in loss accuracy val_loss val_accuracy seconds samples_per_second; do
        check "$key is a number above 0" grep -qE '^[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?$' <(json $key <line)
    done
done
same "$(json val_accuracy <line)" 1
same "$(head -n 1 runs/a/history.csv)" epoch,loss,accuracy,val_loss,val_accuracy,seconds,samples_per_second
same "$(wc -l <runs/a/history.csv)" 7
same "$(tail -n 1 runs/a/history.csv | cut -d, -f1,5)" 6,1

# The same seed gives the same bytes, another one others.
run "${learn[@]}" --epochs 6 --out runs/b
exits 0
same_bytes runs/a/model.safetensors runs/b/model.safetensors
same_bytes runs/a/model.json runs/b/model.json
# So do kernels chosen by measurement, which is kept, and those of the rules.
for turn in 1 2 3; do
    GRADSMITH_CACHE=cache run "${learn[@]}" --epochs 6 --out runs/tuned
    exits 0
    silent err
    same_bytes runs/a/model.safetensors runs/tuned/model.safetensors
done
# Their products are behind two layers: with one, all of a step may be fused into kernels that have no choices.
for turn in 1 2; do
    GRADSMITH_CACHE=cache run train --layers "784 dense:8 dense:8 dense:3" "${learn[@]:3}" --epochs 1 --out runs/deep
    exits 0
    check "choices are kept" grep -qE '^matmul,' cache/tuning-*
done
GRADSMITH_CACHE=other run "${learn[@]}" --epochs 6 --no-autotune --out runs/tuned
exits 0
same_bytes runs/a/model.safetensors runs/tuned/model.safetensors
for command in "evaluate runs/tuned --data $data" "predict runs/tuned --input $GRADSMITH_SOURCE_DIR/assets/images/ankle-boot.png"; do
    # shellcheck disable=SC2086
    GRADSMITH_CACHE=other run $command --no-autotune
    exits 0
done
check "no choices without tuning" test -z "$(find other -name 'tuning-*' 2>/dev/null)"
run "${learn[@]}" --epochs 6 --seed 4 --out runs/c
exits 0
check "another seed, other weights" test "$(cksum <runs/a/model.safetensors)" != "$(cksum <runs/c/model.safetensors)"
run "${learn[@]}" --epochs 6 --no-shuffle --out runs/c # over an older run
exits 0
check "another order, other weights" test "$(cksum <runs/a/model.safetensors)" != "$(cksum <runs/c/model.safetensors)"
same "$(wc -l <runs/c/log.jsonl)" 6

run "${learn[@]}" --epochs 2 --validation-split 0.25 --quiet --out runs/quiet
exits 0
silent out
silent err
check "a validation in the log" test -n "$(head -n 1 runs/quiet/log.jsonl | json val_loss)"
NO_COLOR=1 run "${learn[@]}"
exits 0
says out 'was not saved'

# Weights to start from: nothing is learnt in a step of next to no size.
run train runs/a --data "$data" --init runs/a/model.safetensors --optimizer sgd --learning-rate 1e-30 --out runs/d
exits 0
same_bytes runs/a/model.safetensors runs/d/model.safetensors
run train runs/a --data "$data" --learning-rate 1e-30 --optimizer sgd --out runs/d --seed 8 # the layers only
exits 0
check "first weights of their own" test "$(cksum <runs/a/model.safetensors)" != "$(cksum <runs/d/model.safetensors)"

run "${learn[@]}" --batch-size 32 --epochs 9 --max-steps 5 --out runs/steps
exits 0
says out 'Epoch 1/9  loss'
says out 'Epoch 2/9  2 of 3 steps  loss'
same "$(wc -l <runs/steps/log.jsonl)" 1
run "${learn[@]}" --max-steps 1 --out runs/steps # no whole epoch: the older figures must go
exits 0
silent runs/steps/log.jsonl
silent runs/steps/history.csv

for optimizer in sgd adam adamw rmsprop adagrad adadelta adamax nadam lion adafactor; do
    run train --layers "784 dense:3:softmax" --data "$data" --optimizer $optimizer --metrics accuracy,top_k:2 \
        --loss sparse_categorical_crossentropy
    exits 0
    says out "$optimizer, learning rate 0.0"
    says out 'sparse_top_k_categorical_accuracy'
done
run train --layers "784 dense:3" --data "$data" --optimizer sgd --momentum 0.9 --nesterov --weight-decay 0.01 \
    --metrics none --learning-rate 0.05
exits 0
check "no metrics" test "$(grep -c accuracy out)" -eq 0
# Losses with fields, weights of classes, metrics of a whole pass.
run "${learn[@]}" --loss sparse_categorical_crossentropy:label_smoothing=0.1:ignore_class=-1 --class-weight 0:2,2:0.5 \
    --metrics accuracy,f1,auc,precision,recall --validation-split 0.25 --out runs/e
exits 0
for text in f1_score auc precision recall val_f1_score val_auc; do says out "$text "; done
for text in '"ignore_class": -1' '"label_smoothing": 0.1' '"class_name": "F1Score"' '"average": "macro"' '"auc"'; do
    says runs/e/model.json "$text"
done
run evaluate runs/e --data "$data"
exits 0
says out 'f1_score'
run "${learn[@]}" --class-weight balanced --quiet
exits 0
run "${learn[@]}" --class-weight 7:2
exits 0
# Schedules and the like. What Keras has a class for is written as such.
run "${learn[@]}" --schedule cosine:warmup_steps=2 --global-clipnorm 0.5 --accumulate 2 --ema 0.9 --epochs 2 --out runs/e
exits 0
says out 'cosine'
for text in '"class_name": "CosineDecay"' '"warmup_steps": 2' '"decay_steps": ' '"global_clipnorm": 0.5' \
    '"gradient_accumulation_steps": 2' '"use_ema": true' '"ema_momentum": 0.9'; do
    says runs/e/model.json "$text"
done
run "${learn[@]}" --schedule one_cycle --optimizer sgd --clipvalue 0.1 --out runs/e
exits 0
says runs/e/model.json '"schedule": "one_cycle:decay_steps='
run evaluate runs/e --data "$data"
exits 0
run train --layers "784 dense:3" --data "$data" --optimizer sgd --learning-rate 1e-12 --reduce-on-plateau 0.5:1:1e-13 \
    --clipnorm 1 --epochs 4 --out runs/e
exits 0
# The first epoch is the best; the second, third and fourth halve the rate.
says runs/e/model.json '"learning_rate": 1.25e-13'
run "${learn[@]}" --schedule cosine --reduce-on-plateau 0.5
exits 1
says err 'the learning rate follows the schedule cosine'
run "${learn[@]}" --profile --epochs 2
exits 0
for text in kernel 'median us' share matmul adam sum 'on the clock'; do says out "$text"; done

# Evaluate.
run evaluate runs/a --data "$more"
exits 0
silent err
says out 'accuracy 1.0000'
says out '32 samples'
run evaluate runs/a --data "$more" --json --batch-size 5
exits 0
same "$(json accuracy <out)" 1
same "$(json samples <out)" 32
same "$(json loss <out | cut -c1-5)" "$(tail -n 1 runs/a/log.jsonl | json val_loss | cut -c1-5)"

# Predict: an array, its classes in order, logits or probabilities.
"$helper" npy samples.npy 7 28 28 3
run predict runs/a --input samples.npy --output logits.npy --batch-size 3
exits 0
silent out
silent err
same "$("$helper" rows logits.npy 3 | cut -d' ' -f2 | tr -d '\n')" 0120120
run predict runs/a --input samples.npy --output shares.npy --softmax
exits 0
same "$("$helper" rows shares.npy 3 | tr '\n' ' ')" "1.0000 0 1.0000 1 1.0000 2 1.0000 0 1.0000 1 1.0000 2 1.0000 0 "
"$helper" npy one.npy 1 28 28 3
run predict runs/a --input one.npy
exits 0
says out one.npy
check "class 0 is first" test "$(sed -n '2s/.*% *//p' out)" == "class 0"

# An image, with the names of the classes where there are some.
boot=$GRADSMITH_SOURCE_DIR/assets/images/ankle-boot.png
run predict runs/a --input "$boot" --output image.npy --top 2
exits 0
silent err
check "two classes" test "$(wc -l <out)" -eq 3
same "$("$helper" rows image.npy 3 | wc -l)" 1
echo '["zero", "one \u001b[31m", "two"]' >runs/a/classes.json
run predict runs/a --input one.npy
exits 0
says out 'zero (class 0)'
check "no escape on the terminal" test "$(LC_ALL=C grep -c "$(printf '\033')" out)" -eq 0
echo '["too", "few"]' >runs/a/classes.json
run predict runs/a --input one.npy
exits 0
says out 'class 0'
says err 'classes.json'
finish
