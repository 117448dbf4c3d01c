#!/usr/bin/env bash
# Files that are missing, damaged or do not fit, and folders that cannot be written: a message, an exit code, and
# nothing left behind.
source "$(dirname "$0")/common.sh"
make_data

bad() { # bad ARGUMENT... -- TEXT...: training is refused and makes no folder
    refused 1 train --layers "$layers" --quiet --out made/run "$@"
    absent made
}

# --- data
bad --data mnist -- 'data "mnist"' fashion-mnist idx:
bad --data fashion-mnist:best -- fashion-mnist:test
bad --data fashion-mnist --data-dir nowhere -- nowhere dataset-fashion-mnist --data-dir
bad --data idx:nothing,labels -- nothing 'No such file'
bad --data idx:images,nothing -- nothing 'No such file'
bad --data idx:images -- idx:IMAGES,LABELS
bad --data idx:labels,images -- labels 'magic number' 'wrong order'
bad --data idx:.,labels -- gradsmith
head -c 5000 images >short
bad --data idx:short,labels -- short: truncated 75264 4984
head -c 7 images >short
bad --data idx:short,labels -- short: truncated
: >short
bad --data idx:short,labels -- short: truncated
head -c 60 labels >short
bad --data idx:images,short -- short: truncated
gzip -c images >images.gz
head -c 2000 images.gz >cut.gz
bad --data idx:cut.gz,labels -- cut.gz: truncated
(head -c 300 images.gz && printf '0123456789' && tail -c +311 images.gz) >damaged.gz
bad --data idx:damaged.gz,labels -- damaged.gz
head -c 60000000 /dev/zero | gzip -c >bomb.gz
bad --data idx:bomb.gz,labels -- bomb.gz: 'a bomb is not unpacked'
(printf '\0\0\7\7' && tail -c +5 images) >magic
bad --data idx:magic,labels -- magic: 'magic number' 0x00000707 0x00000803
(printf '\0\0\10\3\377\377\377\377\377\377\377\377\377\377\377\377' && tail -c +17 images) >huge
bad --data idx:huge,labels -- huge:
bad --data idx:images,more-labels -- '96 samples' '32 targets'
(head -c 50 labels && printf '\3' && tail -c +52 labels) >range
bad --data idx:images,range -- 'class index 3' '0 to 2'
bad --data "$data" --validation-data idx:images,range -- 'validation data' 'class index 3'
"$helper" idx small-images small-labels 96 7 7 3
bad --data idx:small-images,small-labels -- '(7, 7)' 784
bad --data "$data" --validation-data idx:small-images,small-labels -- 'validation data' '(7, 7)' 784
bad --data "$data" --validation-split 0.999 -- 'validation split'
bad --data "$data" --loss mse -- mean_squared_error
bad --data "$data" --batch-size 1 --learning-rate 1e30 --epochs 50 -- 'loss is' 'learning rate'

# --- weights
bad --data "$data" --init none.safetensors -- none.safetensors 'No such file'
bad --data "$data" --init images -- images: safetensors
: >empty.safetensors
bad --data "$data" --init empty.safetensors -- empty.safetensors
bad --data "$data" --init "$GRADSMITH_SOURCE_DIR/assets/golden/fashion-mlp/init.safetensors" -- \
    dense/kernel '(784, 64)' '(784, 16)'
run train --layers "$layers" --data "$data" --quiet --out good
exits 0
head -c 5000 good/model.safetensors >cut.safetensors
bad --data "$data" --init cut.safetensors -- cut.safetensors

# --- the folder of the run. Root may write anywhere, so: below a file, where the kernel makes no folders, over a file.
echo text >file
refused 1 train --layers "$layers" --data "$data" --out file/run -- --out file
refused 1 train --layers "$layers" --data "$data" --out file -- --out 'file'
same "$(cat file)" text
refused 1 train --layers "$layers" --data "$data" --out /proc/gradsmith/run -- --out /proc/gradsmith
refused 1 train --layers "$layers" --data "$data" --out new/run --log file/log.jsonl -- file/log.jsonl
absent new
mkdir -p taken/log.jsonl
refused 1 train --layers "$layers" --data "$data" --out taken -- taken/log.jsonl
same "$(ls taken)" log.jsonl
if [[ $(id -u) != 0 ]]; then
    mkdir -m 500 locked
    refused 1 train --layers "$layers" --data "$data" --out locked -- locked 'Permission denied'
    refused 1 train --layers "$layers" --data "$data" --out locked/run -- locked 'Permission denied'
fi
# A training that fails leaves an older run as it was.
cp -r good kept
refused 1 train --layers "$layers" --data idx:images,range --quiet --out good -- 'class index 3'
check "the older run is untouched" diff -r good kept

# --- evaluate and predict
refused 1 evaluate nowhere --data "$data" -- nowhere 'No such file'
refused 1 evaluate images --data "$data" -- 'expected a folder'
mkdir hollow
refused 1 evaluate hollow --data "$data" -- hollow/model.json
cp -r good noweights && rm noweights/model.safetensors
refused 1 evaluate noweights --data "$data" -- noweights/model.safetensors
cp -r good large && sed '0,/"units": *[0-9]*/s//"units": 2000000/' good/model.json >large/model.json
refused 1 evaluate large --data "$data" -- large/model.json "the file of its weights far fewer"
cp -r good cutweights && cp cut.safetensors cutweights/model.safetensors
refused 1 evaluate cutweights --data "$data" --json -- cutweights/model.safetensors
refused 1 predict cutweights --input nothing -- cutweights/model.safetensors
cp -r good damaged && head -c 700 good/model.json >damaged/model.json
refused 1 evaluate damaged --data "$data" -- damaged/model.json line
refused 1 evaluate good --data idx:images,range -- 'class index 3'
refused 1 evaluate good --data idx:small-images,small-labels -- '(7, 7)'

"$helper" npy samples.npy 5 28 28 3
"$helper" npy small.npy 5 7 7 3
wrong() { # predict is refused and writes no file
    refused 1 predict good --output p.npy "$@"
    absent p.npy
}
wrong --input nothing.npy -- nothing.npy 'No such file'
wrong --input small.npy -- small.npy '(5, 7, 7)' 784
wrong --input labels -- labels
wrong --input . -- gradsmith
head -c 1000 samples.npy >cut.npy
wrong --input cut.npy -- cut.npy truncated
head -c 60 samples.npy >cut.npy
wrong --input cut.npy -- cut.npy
sed 's/|u1/|O8/' samples.npy >objects.npy
wrong --input objects.npy -- objects.npy
boot=$GRADSMITH_SOURCE_DIR/assets/images/ankle-boot.png
head -c 200 "$boot" >cut.png
wrong --input cut.png -- cut.png
run train --layers "49 dense:3" --data idx:small-images,small-labels --quiet --out tiny
exits 0
refused 1 predict tiny --input "$boot" -- ankle-boot.png '28 x 28' '7 x 7'
refused 1 predict good --input samples.npy -- '5 samples' --output
refused 1 predict good --input samples.npy --output file/p.npy -- file/p.npy
refused 1 predict good --input samples.npy --output nowhere/p.npy -- nowhere/p.npy
run train --layers "784 dense:3:softmax" --data "$data" --quiet --out soft
exits 0
refused 1 predict soft --input samples.npy --output p.npy --softmax -- 'ends in a softmax'
absent p.npy
finish
