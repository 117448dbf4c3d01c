#!/usr/bin/env bash
# gradsmith devices, the choice of a device, and machines without one.
source "$(dirname "$0")/common.sh"
make_data

run devices
exits 0
silent err
for word in "Device 0: " "<- chosen" "chosen because" type vendor driver "Vulkan API" memory "subgroup size" fp16 \
    "cooperative matrix"; do
    says out "$word"
done
check "one device is chosen" test "$(grep -c -- '<- chosen' out)" -eq 1
name=$(sed -nE 's/^Device 0: (.*[^ ])( +<- chosen)?$/\1/p' out | sed 's/ *<- chosen//')

run devices --json
exits 0
silent err
same "$(json devices 0 name <out)" "$name"
for key in index type vendor vendor_id device_id driver driver_version api_version memory_bytes subgroup_size fp16 \
    cooperative_matrix; do
    check "devices[0] has $key" test -n "$(json devices 0 $key <out)"
done
chosen=$(json chosen <out)
same "$(json devices "$chosen" index <out)" "$chosen"
check "there is a reason" test -n "$(json reason <out)"

# By index, by a part of the name in any case, by the environment; the option wins.
run devices --json --device 0
exits 0
same "$(json chosen <out)" 0
run devices --json --device "$(tr '[:lower:]' '[:upper:]' <<<"${name:0:5}")"
exits 0
run devices --json --device auto
exits 0
GRADSMITH_DEVICE=4000 run devices --json --device 0
exits 0

run devices --device 4000
exits 1
says out "Device 0: " # the list helps to find the right one
says err 'gradsmith: device 4000'
says err "$name"
GRADSMITH_DEVICE=no-such-card run devices --json
exits 1
same "$(json chosen <out)" null
says err GRADSMITH_DEVICE
says err no-such-card
refused 1 train --layers "$layers" --data $data --out run --device 4000 -- 'device 4000' "$name"
absent run
refused 1 train --layers "$layers" --data $data --out run --device no-such-card -- 'device "no-such-card"' "$name"
absent run

# No driver: the loader finds nothing.
export VK_DRIVER_FILES=$work/none.json VK_ICD_FILENAMES=$work/none.json
refused 1 devices -- 'no Vulkan driver' install
refused 1 devices --json -- 'no Vulkan driver' install
refused 1 train --layers "$layers" --data $data --out run -- 'no Vulkan driver' install
absent run
# What needs no device works without one.
run summary --layers "$layers"
exits 0

# No loader: a file of its name that is no library stands before it.
mkdir empty
for file in libvulkan.so.1 libvulkan.so; do : >"empty/$file"; done
LD_LIBRARY_PATH=$work/empty refused 1 devices -- 'Vulkan loader' install
LD_LIBRARY_PATH=$work/empty run summary --layers "$layers"
exits 0
finish
