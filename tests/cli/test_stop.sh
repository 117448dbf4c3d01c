#!/usr/bin/env bash
# Signals while training: it stops after the steps under way, saves, and says so by its exit code.
source "$(dirname "$0")/common.sh"
make_data

# stop SIGNAL NAME CODE OPTION...: starts a training without end, signals it once two epochs are in its log
stop() {
    local folder=run-$1
    last="SIG$1 to gradsmith train ${*:3}"
    # A shell lets its background jobs ignore SIGINT; env undoes that.
    env --default-signal=INT,TERM,HUP "$GRADSMITH_PROGRAM" train --layers "$layers" --data "$data" --epochs 1000000 \
        --out "$folder" "${@:3}" >out 2>err &
    local pid=$! waited=0
    while [[ ! -e $folder/log.jsonl || $(wc -l <"$folder/log.jsonl") -lt 2 ]] && ((waited++ < 600)); do
        if ! kill -0 $pid 2>/dev/null; then break; fi
        sleep 0.1
    done
    kill "-$1" $pid
    wait $pid
    code=$?
    exits "$2"
    says err "gradsmith: stopped by SIG$1 after"
    says err "the model so far is in $folder"
    exists "$folder/model.json" "$folder/model.safetensors" "$folder/history.csv"
    local epochs
    epochs=$(wc -l <"$folder/log.jsonl")
    check "two epochs or more in the log" test "$epochs" -ge 2
    check "as many in the history" test "$(wc -l <"$folder/history.csv")" -eq $((epochs + 1))
    says err "$epochs whole epochs"
    same "$(tail -n 1 "$folder/log.jsonl" | json epoch)" "$epochs"
    same "$(find "$folder" -type f -not -path "*/checkpoints/*" | wc -l)" 5
    run evaluate "$folder" --data "$more" --json
    exits 0
    check "the saved model has learnt" test "$(json accuracy <out)" == 1
}

stop INT 130
stop TERM 143 --quiet
stop HUP 129 --batch-size 8

# Without --out nothing can be kept, and that is said.
env --default-signal=INT "$GRADSMITH_PROGRAM" train --layers "$layers" --data "$data" --epochs 1000000 --log log.jsonl \
    >out 2>err &
pid=$! waited=0 last="SIGINT without --out"
while [[ ! -s log.jsonl ]] && ((waited++ < 600)); do sleep 0.1; done
kill -INT $pid
wait $pid
code=$?
exits 130
says err 'no --out'

# Who reads the output may leave: the model is saved all the same, and the exit code says that something is missing.
"$GRADSMITH_PROGRAM" train --layers "$layers" --data "$data" --epochs 200 --out piped 2>err | true
code=${PIPESTATUS[0]} last="a closed pipe"
exits 1
says err 'standard output'
exists piped/model.safetensors
same "$(wc -l <piped/log.jsonl)" 200

# Who is started with SIGINT ignored, as by nohup, goes on ignoring it.
(trap '' INT; exec "$GRADSMITH_PROGRAM" train --layers "$layers" --data "$data" --epochs 1000000 --out ignored >out 2>err) &
pid=$! waited=0 last="an ignored SIGINT"
while [[ ! -s ignored/log.jsonl ]] && ((waited++ < 600)); do sleep 0.1; done
kill -INT $pid
before=$(wc -l <ignored/log.jsonl) waited=0
while [[ $(wc -l <ignored/log.jsonl) -le $((before + 3)) ]] && ((waited++ < 600)); do sleep 0.1; done
check "goes on" test "$(wc -l <ignored/log.jsonl)" -gt $((before + 3))
kill -TERM $pid
wait $pid
code=$?
exits 143
finish
