#!/usr/bin/env bash
# Vulkan calls of a whole program fail in turn (layer/layer.c): it ends with one clear message or goes on, never by a
# signal, and leaves no half-written file. GRADSMITH_FAULT_EVERY=1 tries all calls; the default is a share of them.
source "$GRADSMITH_SOURCE_DIR/tests/cli/common.sh"
: "${GRADSMITH_FAULT_LAYER:?folder of the layer}"
if [[ $GRADSMITH_SANITIZE == *address* ]]; then
    echo "skipped: the loader frees a layer's memory after the leak check; test_allocation.c runs here"
    exit 77
fi
make_data
export VK_LAYER_PATH=$GRADSMITH_FAULT_LAYER VK_INSTANCE_LAYERS=VK_LAYER_GRADSMITH_faults GRADSMITH_VALIDATE=0
train=(train --layers "$layers" --data "$data" --epochs 2 --batch-size 8 --seed 3 --no-plots)

GRADSMITH_FAULT_LOG=calls run "${train[@]}" --out whole
exits 0
calls=$(<calls)
check "the layer counts calls" test "$calls" -gt 50

tried=0 harmless=0
for result in OUT_OF_HOST_MEMORY OUT_OF_DEVICE_MEMORY DEVICE_LOST; do
    for ((n = tried % 7; n < calls; n += ${GRADSMITH_FAULT_EVERY:-13})); do
        rm -rf some
        GRADSMITH_FAULT="*:$n:$result" run "${train[@]}" --out some
        last="$last, call $n $result"
        tried=$((tried + 1))
        if [[ $code -eq 0 ]]; then
            harmless=$((harmless + 1))
            same_bytes some/model.safetensors whole/model.safetensors
        else
            exits 1
            says err "gradsmith: "
            check "one message" test "$(grep -c 'gradsmith: [^n]' err)" -le 2
            check "a lost device is survived" test "$result" != DEVICE_LOST
        fi
        check "nothing half-written" test -z "$(find some -name '*.tmp*' -o -name '.*.??????' 2>/dev/null)"
    done
done
echo "$calls calls; $tried failed in turn, $harmless without harm"

# Lost in the middle: opened again, from the newest checkpoint, with the same result; told what happened, and each epoch
# once. Lost again and again: not for ever.
GRADSMITH_FAULT_LOG=calls GRADSMITH_FAULT=QueueSubmit:-1:DROP run "${train[@]}" --out whole
submissions=$(<calls)
for n in $((submissions / 3)) $((submissions * 2 / 3)); do
    rm -rf some
    GRADSMITH_FAULT="QueueSubmit:$n:DEVICE_LOST" run "${train[@]}" --checkpoint-steps 5 --out some
    exits 0
    says err "device lost: vkQueueSubmit"
    says err "it is opened again"
    same_bytes some/model.safetensors whole/model.safetensors
    check "each epoch once" test "$(wc -l <some/log.jsonl)" -eq "$(wc -l <whole/log.jsonl)"
done
rm -rf some
GRADSMITH_FAULT="QueueSubmit:$((submissions / 2)):DEVICE_LOST:100000" run "${train[@]}" --out some
exits 1
says err "3 times in a row: update the driver"
GRADSMITH_FAULT="QueueSubmit:$((submissions / 2)):DEVICE_LOST" run "${train[@]}"
exits 1
says err "device lost: vkQueueSubmit"

# Work that a driver drops without saying so.
GRADSMITH_FAULT=QueueSubmit:6:DROP run "${train[@]}"
exits 1
says err "the driver dropped work"
finish
