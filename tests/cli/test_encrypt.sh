#!/usr/bin/env bash
# train --encrypt: nothing of the model is ever plain in the run's folder; checkpoints, resume, experiments.
source "$(dirname "$0")/common.sh"
run --version
if grep -q 'not in this build' out; then
    make_data
    refused 1 train --layers "$layers" --data "$data" --encrypt --out run -- libsodium-dev
    echo "not tested: encrypted trainings (this build has no libsodium)"
    finish
fi
make_data
run keygen my.key
start=(train --layers "$layers" --data "$data" --validation-data "$more" --seed 3)
# All files of a folder, but for logs and the lock, that are not encrypted.
plain_files() {
    find "$1" -type f ! -name '*.csv' ! -name '*.jsonl' ! -name lock ! -name '*.tfevents.*' -size +0 |
        while read -r file; do head -c 6 "$file" | LC_ALL=C grep -qa GSENC || echo "$file"; done
}
# Words that only a plain model, checkpoint or experiment has.
plain_words() { LC_ALL=C grep -rlaE 'safetensors|dense|dtype|class_name|batch_size|data_offsets' "$1" | wc -l; }

run "${start[@]}" --epochs 2 --no-plots --save-best best --out plain
exits 0
check "the search finds plain models" test "$(plain_words plain)" -gt 2

run "${start[@]}" --epochs 2 --encrypt --key-file my.key --save-best best --checkpoint-steps 1 --out sealed
exits 0
says out 'encrypted but for the logs'
exists sealed/model.json sealed/model.safetensors sealed/experiment.json sealed/best/model.safetensors sealed/history.csv
absent sealed/report.html sealed/plots
same "$(plain_files sealed)" ""
same "$(plain_words sealed)" 0
cp -r sealed opened
run unprotect opened --key-file my.key
exits 0
same_bytes opened/model.safetensors plain/model.safetensors
same_bytes opened/model.json plain/model.json
same_bytes opened/best/model.safetensors plain/best/model.safetensors
run evaluate sealed --data "$more" --key-file my.key
exits 0
says out 'loss '
# Neighbouring bytes of the weights are nowhere.
for at in 2000 20000 40000; do
    tail -c +$at plain/model.safetensors | head -c 16 >piece
    check "the piece at $at is in the plain file" "$helper" find piece plain/model.safetensors
    for file in $(find sealed -type f); do
        "$helper" find piece "$file"
        same "$? for the piece at $at in $file" "3 for the piece at $at in $file"
    done
done

# --- killed at any moment: nothing plain was left, and what goes on gives the same bits
run "${start[@]}" --epochs 6 --no-plots --out whole
exits 0
for round in 1 2 3 4 5 6; do
    rm -rf cut
    "$GRADSMITH_PROGRAM" "${start[@]}" --epochs 6 --encrypt --key-file my.key --checkpoint-steps 2 --out cut \
        >out 2>err </dev/null &
    pid=$!
    sleep "0.$((round + 1))"
    kill -KILL $pid 2>kill.err
    wait $pid 2>kill.err
    [[ -d cut ]] || continue
    same "$(plain_files cut)" ""
    same "$(plain_words cut)" 0
    [[ -e cut/checkpoints/experiment.json ]] || continue
    run train --resume cut --key-file my.key
    exits 0
    same "$(plain_files cut)" ""
    cp -r cut cut.open
    run unprotect cut.open --key-file my.key
    same_bytes cut.open/model.safetensors whole/model.safetensors
    rm -rf cut.open
done

# --- resume wants the key; a plain file is not taken for a checkpoint
rm -rf cut
run "${start[@]}" --epochs 3 --max-steps 4 --encrypt --key-file my.key --checkpoint-steps 1 --out short
exits 0
"$GRADSMITH_PROGRAM" "${start[@]}" --epochs 100000 --encrypt --key-file my.key --checkpoint-steps 1 --out cut >long.out \
    2>long.err </dev/null &
pid=$!
for _ in $(seq 100); do
    if compgen -G "cut/checkpoints/step-*" >found; then break; fi
    sleep 0.1
done
refused 1 protect cut --key-file my.key -- "cut is in use by process $pid"
refused 1 unprotect cut --key-file my.key -- "cut is in use by process $pid"
kill -KILL $pid
wait $pid 2>kill.err
refused 1 train --resume cut -- 'a key is needed and there is no terminal'
run keygen other.key
refused 1 train --resume cut --key-file other.key -- 'the key is wrong'
cp -r cut swapped
"$GRADSMITH_PROGRAM" "${start[@]}" --epochs 1 --checkpoint-steps 1 --out elsewhere >out 2>err </dev/null
cp elsewhere/experiment.json swapped/checkpoints/experiment.json
refused 1 train --resume swapped --key-file my.key -- 'is not encrypted, but a key was given'

# --- what is made of an encrypted experiment, or of encrypted weights, is encrypted
run train sealed/experiment.json --key-file my.key --out again
exits 0
same "$(plain_files again)" ""
run "${start[@]}" --init sealed/model.safetensors --key-file my.key --out tuned
exits 0
same "$(plain_files tuned)" ""
refused 1 "${start[@]}" --init sealed/model.safetensors --out tuned2 -- 'a key is needed'
run summary sealed/experiment.json --key-file my.key

# --- event files have no histograms of the weights
run "${start[@]}" --encrypt --key-file my.key --tensorboard logs --out events
exits 0
check "no histograms" test "$(LC_ALL=C grep -rlaE 'dense|kernel' events | wc -l)" -eq 0
echo "{\"layers\": \"$layers\", \"data\": \"$data\", \"callbacks\": [{\"name\": \"TensorBoard\", \"dir\": \"l\", \"histogram_every\": 1}]}" >e.json
refused 1 train e.json --encrypt --key-file my.key --out events2 -- 'histogram_every to 0'

# --- with a passphrase
printf 'a passphrase\n' >phrase && chmod 600 phrase
GRADSMITH_PASSPHRASE_FILE=phrase run "${start[@]}" --epochs 1 --encrypt --out phrased
exits 0
same "$(plain_files phrased)" ""
exec 7<phrase
run evaluate phrased --data "$more" --passphrase-fd 7
exec 7<&-
exits 0
refused 1 "${start[@]}" --encrypt --out nothing -- 'a key is needed and there is no terminal'
absent nothing
finish
