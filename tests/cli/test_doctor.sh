#!/usr/bin/env bash
# gradsmith doctor: a healthy device, one that computes wrongly, none at all.
source "$(dirname "$0")/common.sh"
# lavapipe allocates for each workgroup, from code whose frames AddressSanitizer cannot walk: it would keep millions of
# different stacks.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}malloc_context_size=2

run doctor --json doctor.json
exits 0
silent err
for text in '1 Vulkan device' 'Device 0: ' '  driver ' '  kernels ' '  subgroup shuffle ' '  timestamps ' '  float16 ' \
    '  cooperative matrix ' '  shared memory ' ', 0 wrong' 'samples/s in batches of 32' 'SAFE: all ' 'Use device 0, ' \
    'The report is in doctor.json'; do
    says out "$text"
done
check "no device is refused" test "$(grep -c 'NOT SAFE' out)" -eq 0
same "$(json format <doctor.json)" 1
same "$(json gradsmith <doctor.json)" "${GRADSMITH_VERSION:?}"
same "$(json chosen <doctor.json) $(json recommended <doctor.json)" "0 0"
same "$(json devices 0 safe <doctor.json)" true
same "$(json devices 1 safe <doctor.json)" ""
same "$(json devices 0 wrong_ops <doctor.json)" 0
run devices --json
same "$(json devices 0 name <doctor.json)" "$(json devices 0 name <out)"
check "a rate" grep -qE '^[1-9][0-9.e+]*$' <(json devices 0 samples_per_second <doctor.json)
check "another" grep -qE '^[1-9][0-9.e+]*$' <(json devices 0 large_batch_samples_per_second <doctor.json)
# Every op stands in the report: with an error, or with a reason.
ops=$(find "$GRADSMITH_SOURCE_DIR/src/op" -name '*.c' | wc -l)
i=0 checked=0 before='' names=0
while [[ -n $(json devices 0 ops $i op <doctor.json) ]]; do
    name=$(json devices 0 ops $i op <doctor.json)
    [[ $name == "$before" ]] || names=$((names + 1))
    before=$name
    if [[ $(json devices 0 ops $i checked <doctor.json) == true ]]; then
        checked=$((checked + 1))
        same "$(json devices 0 ops $i wrong <doctor.json)" 0
        check "$name: values" test "$(json devices 0 ops $i values <doctor.json)" -gt 0
    else
        check "$name: a reason" test -n "$(json devices 0 ops $i note <doctor.json)"
    fi
    i=$((i + 1))
done
same "$names" "$ops"
check "most are checked" test "$checked" -gt "$ops"

# Kernels that do something else: the op is named, its neighbours are not.
broken() { # broken KERNEL BY: KERNEL runs as BY
    rm -rf broken
    mkdir broken
    local class
    for class in '' _cpu; do
        if [[ -e $GRADSMITH_BUILD_DIR/shaders/$2$class.spv ]]; then
            cp "$GRADSMITH_BUILD_DIR/shaders/$2$class.spv" "broken/$1$class.spv"
        fi
    done
    GRADSMITH_SHADER_DIR=$work/broken run doctor --device 0 --ops --json broken.json
}
broken adamax nadam
exits 1
says err 'is not safe to train on: 1 of'
says err 'checked ops compute wrongly: adamax'
says out 'NOT SAFE: 1 of'
says out 'WRONG: model "augmented images"'
says out 'do not train on it. Update its driver'
says out 'Use none of the devices'
same "$(json devices 0 safe <broken.json) $(json recommended <broken.json)" "false null"
same "$(json devices 0 wrong_ops <broken.json)" 1
check "adam is right" grep -qE '^    adam  .* 0 wrong' out
check "adamax is not" grep -qE '^    adamax  .* [1-9][0-9]* wrong' out
check "every op is listed" test "$(grep -cE '^    [a-z0-9_]+ +(forward|backward) ' out)" -eq "$i"

# No driver.
last='gradsmith doctor without drivers'
env VK_DRIVER_FILES=/nowhere/icd.json VK_ICD_FILENAMES=/nowhere/icd.json "$GRADSMITH_PROGRAM" doctor --json none.json >out 2>err
code=$?
exits 1
says out 'No device: '
says out 'VK_DRIVER_FILES=/nowhere/icd.json names no file that can be read: unset it'
says out 'Advice: install a Vulkan loader and drivers: '
says err 'gradsmith: there is no device to train on'
same "$(json chosen <none.json) $(json devices 0 safe <none.json)" "null "
printf 'ID=fedora\nPRETTY_NAME="Fedora Linux 41"\n' >release
env GRADSMITH_OS_RELEASE=release VK_DRIVER_FILES=/nowhere/icd.json VK_ICD_FILENAMES=/nowhere/icd.json \
    "$GRADSMITH_PROGRAM" doctor >out 2>err
code=$?
exits 1
says out 'System: Fedora Linux 41'
says out 'dnf install vulkan-loader mesa-vulkan-drivers'

# A second CPU driver.
swiftshader=
for folder in /usr/lib/chromium /usr/lib/chromium-browser /usr/lib64/chromium-browser; do
    [[ -e $folder/vk_swiftshader_icd.json ]] && swiftshader=$folder/vk_swiftshader_icd.json
done
if [[ -n $swiftshader && -z ${GRADSMITH_SANITIZE:-} && -n ${VK_DRIVER_FILES:-} ]]; then
    VK_DRIVER_FILES=$VK_DRIVER_FILES:$swiftshader VK_ICD_FILENAMES=$VK_DRIVER_FILES:$swiftshader run doctor --json two.json
    exits 0
    says out '2 Vulkan devices'
    says out 'SwiftShader'
    says out 'of 2 safe devices'
    same "$(json devices 0 safe <two.json) $(json devices 1 safe <two.json)" "true true"
else
    echo "skipped: a second device (needs chromium's SwiftShader and lavapipe, and no sanitizer)"
fi

refused 2 doctor here -- 'unexpected argument "here"'
run doctor --device 7
exits 1
says err 'device'
run doctor --device 0 --json no-such-folder/doctor.json
exits 1
says err no-such-folder/doctor.json
finish
