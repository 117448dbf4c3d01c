#!/usr/bin/env bash
# Trainings that were stopped, and go on; folders that are in use; what --resume refuses.
source "$(dirname "$0")/common.sh"
make_data
figures() { sed 's/,[^,]*,[^,]*$//' "$1/history.csv"; } # what is no time
newest() { find "$1/checkpoints" -name 'step-*.safetensors' | sort | tail -n 1; }

# begin FOLDER OPTION...: a training in the background, once two epochs are in its log and a checkpoint is there. With
# until=log: once the former are.
until=checkpoint
begin() {
    local folder=$1 waited=0
    last="gradsmith train ${*:2}"
    env --default-signal=INT,TERM "$GRADSMITH_PROGRAM" train --layers "$layers" --data "$data" --no-plots \
        --out "$folder" "${@:2}" >begun-out 2>begun-err </dev/null &
    pid=$!
    while [[ ! -e $folder/log.jsonl || $(wc -l <"$folder/log.jsonl") -lt 2 || ($until == checkpoint && ! -e         $(newest "$folder" 2>/dev/null)) ]] && ((waited++ < 600)); do
        if ! kill -0 $pid 2>/dev/null; then break; fi
        sleep 0.05
    done
}
end() { # of what was begun
    { wait $pid; } 2>/dev/null
    code=$?
    cp begun-out out
    cp begun-err err
}

options=(--epochs 600 --seed 5 --batch-size 16 --checkpoint-steps 20 --keep 2)
run train --layers "$layers" --data "$data" --no-plots "${options[@]}" --out whole
exits 0
# Stopped by each signal, killed, and stopped by two signals at once: the rest comes to the same end.
for signals in INT TERM KILL "INT INT" "TERM TERM"; do
    rm -rf cut
    begin cut "${options[@]}"
    for signal in $signals; do kill "-$signal" $pid 2>/dev/null; done
    end
    check "it was ended by a signal" test $code -gt 128
    exists cut/checkpoints/experiment.json "$(newest cut)"
    if [[ $signals == TERM ]]; then
        says err '; --resume goes on with it'
        # What ended is no training to be lost by mistake.
        refused 1 train --layers "$layers" --data "$data" --out cut -- 'cut holds a training that was cut off' \
            'gradsmith train --resume cut'
        exists cut/model.safetensors cut/experiment.json
    fi
    run train --resume cut --no-plots
    exits 0
    says err 'note: goes on from the checkpoint of step'
    same_bytes whole/model.safetensors cut/model.safetensors
    check "the experiment is the same" diff whole/experiment.json cut/experiment.json
    same "$(figures cut | cksum)" "$(figures whole | cksum)"
    same "$(wc -l <cut/log.jsonl)" 600
    absent cut/checkpoints/experiment.json cut/lock
    same "$(find cut/checkpoints -type f | wc -l)" 2
    run train --resume cut
    exits 0
    says out 'The training in cut is finished'
    silent err
done

# A new training in the folder of a finished one takes its checkpoints away.
run train --layers "$layers" --data "$data" --no-plots --epochs 1 --out cut
exits 0
same "$(find cut/checkpoints -type f)" cut/checkpoints/step-000000000003.safetensors

# Killed before its first checkpoint: from the start.
rm -rf cut
until=log begin cut "${options[@]}" --checkpoint-steps 1000000
until=checkpoint
kill -KILL $pid
end
same "$(newest cut)" ''
run train --resume cut --no-plots --quiet
exits 0
silent out
same_bytes whole/model.safetensors cut/model.safetensors
same "$(figures cut | cksum)" "$(figures whole | cksum)"

# Damage: the checkpoint before it.
rm -rf cut
begin cut "${options[@]}"
kill -TERM $pid
end
damaged=$(newest cut)
printf 'x' | dd of="$damaged" bs=1 seek=$(($(stat -c %s "$damaged") - 700)) conv=notrunc 2>/dev/null
run train --resume cut --no-plots
exits 0
says err "$damaged: not a safetensors file, or a damaged one: its checksum is wrong; the checkpoint before it is used"
same_bytes whole/model.safetensors cut/model.safetensors
absent "$damaged"

# One at a time. The lock of a process that was killed holds nobody up.
rm -rf cut
begin cut "${options[@]}" --epochs 1000000
refused 1 train --layers "$layers" --data "$data" --out cut -- "cut is in use by process $pid on $(uname -n)"
refused 1 train --resume cut -- "cut is in use by process $pid on $(uname -n)"
check "the first one goes on" kill -0 $pid
kill -KILL $pid
end
exists cut/lock
last="a stale lock"
("$GRADSMITH_PROGRAM" train --resume cut --no-plots >out 2>err & pid=$!
    waited=0
    while ! grep -q 'goes on' err && ((waited++ < 600)); do sleep 0.05; done
    kill -INT $pid; kill -TERM $pid; wait $pid)
code=$?
check "it was ended by a signal" test $code -gt 128
says err 'goes on from the checkpoint'

# What is refused.
refused 2 train --resume cut --epochs 5 -- '--resume knows all settings of the training: leave out --epochs'
refused 2 train model.json --resume cut -- 'leave out MODEL "model.json"'
refused 2 train --resume cut --seed 1 -- '--seed'
refused 1 train --resume missing -- 'missing: No such file'
refused 1 train --resume images -- 'expected the folder of a training'
mkdir empty
refused 1 train --resume empty -- 'there is no training in it'
same "$(ls -A empty)" ''
refused 2 train --layers "$layers" --data "$data" --keep 2 -- '--out'
refused 2 train --layers "$layers" --data "$data" --out x --checkpoint-minutes 0 -- checkpoint-minutes
refused 2 train --layers "$layers" --data "$data" --out x --keep 0 -- keep
cp -r cut other
echo '{"epochs": ' >other/checkpoints/experiment.json
refused 1 train --resume other -- other/checkpoints/experiment.json
# Other data under the same name.
"$helper" idx images labels 96 28 28 2
run train --resume cut
exits 1
says err 'the data are not those of before'
make_data

# Another device: its bits may be others, and that is said.
swiftshader=/usr/lib/chromium/vk_swiftshader_icd.json
if [[ -e $swiftshader ]]; then
    rm -rf cut
    begin cut "${options[@]}" --epochs 40
    kill -KILL $pid
    end
    if [[ -e cut/checkpoints/experiment.json ]]; then
        VK_DRIVER_FILES=$swiftshader VK_ICD_FILENAMES=$swiftshader run train --resume cut --no-plots
        exits 0
        if grep -q 'goes on' err; then says err 'this device may end with other bits'; fi
        same "$(wc -l <cut/log.jsonl)" 40
    fi
else echo "not tried: another device (no SwiftShader, Debian package chromium)"; fi
finish
