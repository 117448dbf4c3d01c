#!/usr/bin/env bash
# Trainings that are killed at random moments, resumed, and killed again: the model and the history are always those of a
# training that was left alone. GRADSMITH_KILLS says how many kills there are (20).
# Where there is memory for files, they lie there: no time goes to waiting for a disk.
[[ -n ${TMPDIR:-} || ! -w /dev/shm ]] || export TMPDIR=/dev/shm
source "$(dirname "$0")/common.sh"
make_data
kills=${GRADSMITH_KILLS:-20}
RANDOM=${GRADSMITH_KILL_SEED:-1}

cases=(
    "--layers|784 dense:16:relu dropout:0.3 dense:3|--epochs|300|--batch-size|10|--checkpoint-steps|3"
    "--layers|28x28x1 conv2d:2:3:relu batch_normalization flatten dropout:0.2 dense:3|--epochs|12|--batch-size|7|--augment|flip,crop=2,mixup=0.2|--one-hot|--loss|categorical_crossentropy|--schedule|cosine:warmup_steps=9|--accumulate|3|--checkpoint-steps|5"
    "--layers|784 dense:16:relu dropout:0.3 dense:3|--epochs|200|--validation-split|0.3|--early-stopping|40|--batch-size|16|--learning-rate|0.02|--reduce-on-plateau|0.5:2|--metrics|accuracy,f1"
    "--layers|784 dense:16:relu batch_normalization dense:3|--epochs|200|--ema|0.9|--optimizer|sgd|--momentum|0.9|--global-clipnorm|1|--accumulate|2|--batch-size|11|--checkpoint-minutes|0.0001|--keep|2"
)

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# Of history.csv, what is no time.
figures() { sed 's/,[^,]*,[^,]*$//' "$1/history.csv"; }

pause() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

# kill_at WHEN MILLISECONDS ARGUMENT...: starts the program, and kills it so long after its start, or, with WHEN
# "training", after it began to train
kill_at() {
    local waited=0
    last="killed $2 ms after $1: gradsmith ${*:3}"
    "$GRADSMITH_PROGRAM" "${@:3}" >out 2>err </dev/null &
    local pid=$!
    while [[ $1 == training && $waited -lt 3000 ]] && kill -0 $pid 2>/dev/null; do
        if ls cut/checkpoints/step-* >/dev/null 2>&1 && grep -q Epoch out; then break; fi
        waited=$((waited + 1))
        sleep 0.005
    done
    pause "$2"
    kill -KILL $pid 2>/dev/null
    { wait $pid; } 2>/dev/null
    code=$?
}

# Of what the program said of them.
whole_checkpoints() {
    check "no damaged checkpoint" bash -c '! grep -q -e damaged -e "is not written" err'
    if grep -q 'goes on from the checkpoint' err; then went_on=$((went_on + 1)); fi
}

not_begun=0 ended=0 done_kills=0 trials=0 went_on=0
for ((index = 0; index < ${#cases[@]}; index++)); do
    IFS='|' read -ra options <<<"${cases[index]}"
    all=(train --data "$data" --seed $((index + 3)) --no-plots "${options[@]}")
    run "${all[@]}" --out whole-$index # the caches are warm then
    run "${all[@]}" --out whole-$index
    begin=$(milliseconds)
    run "${all[@]}" --out whole-$index
    exits 0
    whole_ms=$(($(milliseconds) - begin + 50))
    training_ms=$(awk -F, 'NR > 1 { s += $(NF - 1) } END { print int(1000 * s) + 20 }' whole-$index/history.csv)
    share=$((kills / ${#cases[@]} + (index < kills % ${#cases[@]} ? 1 : 0)))
    while ((share > 0)); do
        rm -rf cut
        trials=$((trials + 1))
        command=("${all[@]}" --out cut)
        for ((again = 1 + RANDOM % 3; again > 0 && share > 0; again--)); do
            share=$((share - 1)) done_kills=$((done_kills + 1))
            # One in four at any time, its start included.
            if ((RANDOM % 4)); then kill_at training $((RANDOM % training_ms)) "${command[@]}"
            else kill_at start $((RANDOM % whole_ms)) "${command[@]}"
            fi
            if ((code != 137)) || [[ -e cut/model.safetensors && ! -e cut/checkpoints/experiment.json ]]; then
                # It was faster, and may have been killed while it cleaned up: that is tried again.
                ended=$((ended + 1)) done_kills=$((done_kills - 1)) share=$((share + (ended < kills ? 1 : 0)))
                break
            fi
            whole_checkpoints
            if [[ -e cut/checkpoints/experiment.json ]]; then command=(train --resume cut --no-plots)
            elif [[ ! -e cut/model.safetensors ]]; then not_begun=$((not_begun + 1))
            fi
        done
        if [[ -e cut/model.safetensors && ! -e cut/checkpoints/experiment.json ]]; then rm -f cut/lock
        else
            run "${command[@]}"
            exits 0
            whole_checkpoints
        fi
        same_bytes whole-$index/model.safetensors cut/model.safetensors
        same "$(figures cut)" "$(figures whole-$index)"
        same "$(find cut -name '*.tmp' -o -name lock)" ""
        run train --resume cut
        exits 0
        says out 'is finished'
    done
done
check "a third went on from a checkpoint" test $((3 * went_on)) -ge $kills
echo "$done_kills kills in $trials trainings, $not_begun of them before anything was written, and $ended after the end;" \
    "$went_on times a training went on from a checkpoint"
finish
