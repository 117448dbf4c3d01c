#!/usr/bin/env bash
# gradsmith bench: the table, the report, and that wrong results are found.
source "$(dirname "$0")/common.sh"
# lavapipe allocates for each workgroup, from code whose frames AddressSanitizer cannot walk: it would keep millions of
# different stacks.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}malloc_context_size=2

# result INDEX KEY: of the report bench.json
result() { json results "$1" "$2" <bench.json; }
number='^[0-9]+\.?[0-9]*(e[-+]?[0-9]+)?$'
# measured INDEX: has a figure between its lowest and its highest, from some repeats, and no wrong values
measured() {
    local key
    for key in median low high repeats per_repeat; do
        check "result $1: $key is a number" grep -qE "$number" <(result "$1" $key)
    done
    check "result $1: lowest <= median <= highest" awk -v l="$(result "$1" low)" -v m="$(result "$1" median)" \
        -v h="$(result "$1" high)" 'BEGIN { exit !(0 < l && l <= m && m <= h) }'
    check "result $1: is checked" test "$(result "$1" kind)" == train -o "$(result "$1" wrong)" == 0
}

run bench --quick --only peak --json bench.json
exits 0
silent err
for text in 'Device    ' 'Driver    ' Peaks median 'float32 multiply-adds   GFLOP/s' 'copy by a kernel        GB/s' \
    'copy by a command       GB/s' 'dispatch with barrier   us' 'submit and wait         us' \
    'The report is in bench.json'; do
    says out "$text"
done
check "nothing but peaks" test "$(grep -cE 'Products|Training' out)" -eq 0
same "$(json format <bench.json)" 1
same "$(json gradsmith <bench.json)" "${GRADSMITH_VERSION:?}"
run devices --json
same "$(json device name <bench.json)" "$(json devices "$(json chosen <out)" name <out)"
for key in cpu threads system; do check "host has $key" test -n "$(json host $key <bench.json)"; done
check "a date" grep -qE '^20[0-9-]{8}T[0-9:]{8}Z$' <(json date <bench.json)
kinds=(fma copy_kernel copy_command dispatch submit)
for i in "${!kinds[@]}"; do
    same "$(result "$i" kind)" "${kinds[$i]}"
    measured "$i"
done
same "$(result 5 kind)" ""

# Products and training; training on a small data set would end its epochs within a submission.
run bench --quick --only matmul,train --quiet --json bench.json
exits 0
silent out
silent err
same "$(result 0 kind)" fma # that the shares refer to
i=1
while [[ $(result $i kind) == matmul ]]; do
    if [[ $(result $i skipped) == false ]]; then
        measured $i
        same "$(result $i checked)" 64
        check "result $i: a share of the peak" grep -qE "$number" <(result $i peak_share)
    fi
    i=$((i + 1))
done
same "$i" 25 # 2 sizes in 3 forms; 5, 5 and 8 products of the workloads
same "$(result 1 form) $(result 2 form) $(result 3 form) $(result 3 m)" "A B A Bt At B 256"
for workload in W1 W1b W2 W3; do
    same "$(result $i kind) $(result $i name)" "train $workload"
    measured $i
    check "$workload has a loss" grep -qE "$number" <(result $i loss)
    i=$((i + 1))
done
same "$(find . -name '*bench.json*' | wc -l)" 1 # nothing half-written

# Chosen sizes, and no choice by measurement: nothing of it is kept.
GRADSMITH_CACHE=$work/kept run bench --quick --only matmul --size 65,128 --no-autotune --json sizes.json
exits 0
for i in 1 2 3; do same "$(json results $i m <sizes.json) $(json results $((i + 3)) k <sizes.json)" "65 128"; done
same "$(json results 7 kind <sizes.json)" ""
same "$(find kept -name '*tuning*' | wc -l)" 0
GRADSMITH_CACHE=$work/kept run bench --quick --only matmul --size 65 --quiet --json sizes.json
exits 0
same "$(find kept -name '*tuning*' | wc -l)" 1

# A kernel that does nothing of what it should: the figures are not to be believed, and that is said.
shaders=$GRADSMITH_BUILD_DIR/shaders
mkdir broken
cp "$shaders/bench_count.spv" broken/bench_copy.spv
GRADSMITH_SHADER_DIR=$work/broken run bench --quick --only peak --json wrong.json
exits 1
says out '64 of 64 values wrong'
says err '64 values are wrong'
same "$(json results 1 wrong <wrong.json)" 64 # the report keeps what was found

# Stopped: no report.
cp bench.json before.json
env --default-signal=TERM "$GRADSMITH_PROGRAM" bench --json bench.json >out 2>err &
pid=$! waited=0 last="SIGTERM to gradsmith bench"
while [[ ! -s out || $(wc -l <out) -lt 5 ]] && ((waited++ < 600)); do sleep 0.1; done
kill -TERM $pid
wait $pid
code=$?
exits 143
says err 'gradsmith: stopped by SIGTERM; no report was written'
same_bytes bench.json before.json
same "$(find . -name '*bench.json*' | wc -l)" 1

refused 2 bench --only nothing -- '--only: expected some of peak,matmul,train, found "nothing"'
refused 2 bench --only peak, -- '--only: expected some of' 'found ""'
refused 2 bench --only peaks -- '--only: expected some of' 'found "peaks"'
refused 2 bench --size 0 -- '--size: expected numbers from 1 to 16384' 'found "0"'
refused 2 bench --size 512, -- '--size' 'found ""'
refused 2 bench --size 5x -- '--size' 'found "5x"'
refused 2 bench --size 16385 -- '--size' 'found "16385"'
refused 2 bench --size 1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8 -- '--size: expected at most 16 sizes'
refused 2 bench --only peak --size 512 -- '--size is for matmul'
refused 2 bench --quiet -- '--quiet' '--json'
refused 2 bench here -- 'unexpected argument "here"'
run bench --json no-such-folder/bench.json --only peak
exits 1
says err no-such-folder/bench.json
check "before any measuring" test "$(grep -c Peaks out)" -eq 0
mkdir empty
run bench --quick --only train --data-dir empty
exits 1
says err empty
finish
