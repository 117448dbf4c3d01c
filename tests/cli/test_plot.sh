#!/usr/bin/env bash
# gradsmith plot, and the pictures at the end of a training.
source "$(dirname "$0")/common.sh"
make_data

run train --layers "$layers" --data "$data" --validation-data "$more" --epochs 3 --learning-rate 0.01 --seed 3 --out runs/a
exits 0
silent err
says out 'report.html'
for name in loss accuracy confusion filters; do
    check "$name.png is a PNG" test "$(head -c 8 "runs/a/plots/$name.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a
done
same "$(find runs/a/plots -type f | wc -l)" 4
says runs/a/report.html '<h1>a</h1>'
says runs/a/report.html '12,611 parameters, 3 epochs, val_loss'
check "nothing is fetched" test "$(grep -c 'http\|src="[^d]' runs/a/report.html)" -eq 0
# Every sample of the validation data is in the confusion matrix, most where they belong.
same "$(($(tr -cs '0-9' '\n' <runs/a/confusion.json | sed '/^$/d' | paste -sd+)))" 32

# Again, from what is in the folder; the same bytes.
cp runs/a/plots/loss.png loss.png
cp runs/a/report.html report.html
rm -r runs/a/plots runs/a/report.html
run plot runs/a
exits 0
says out 'runs/a/report.html'
same_bytes runs/a/plots/loss.png loss.png
same_bytes runs/a/report.html report.html

# Names of the classes; a training without a model yet.
echo '["zero", "<one>", "two"]' >runs/a/classes.json
mkdir half
cp runs/a/log.jsonl half
run plot runs/a
exits 0
says runs/a/report.html '&lt;one&gt;'
run plot half/
exits 0
exists half/plots/loss.png half/report.html
absent half/plots/filters.png half/plots/confusion.png

run train --layers "$layers" --data "$data" --no-plots --out runs/b
exits 0
absent runs/b/plots runs/b/report.html runs/b/confusion.json
check "no word of pictures" test "$(grep -c report.html out)" -eq 0
run train --layers "$layers" --data "$data" --validation-split 0.25 --quiet --out runs/c
exits 0
silent out
exists runs/c/plots/confusion.png

# A failure to draw is told, and does not fail the training.
mkdir runs/d
echo x >runs/d/plots
run train --layers "$layers" --data "$data" --out runs/d
exits 0
says err 'runs/d/plots'
says err 'the pictures were not drawn; the training is not affected'
exists runs/d/model.safetensors

refused 2 plot -- 'expected DIR'
refused 1 plot missing -- 'missing: No such file'
refused 1 plot loss.png -- 'expected a folder'
mkdir empty
refused 1 plot empty -- 'empty/log.jsonl: No such file'
: >empty/log.jsonl
refused 1 plot empty -- 'there is no epoch to draw'
printf '{"epoch":1,"loss":0.5}\n{"epoch":2,"lo' >empty/log.jsonl
refused 1 plot empty -- 'log.jsonl: line 2: expected a JSON object'
printf '{"epoch":1,"loss":0.5}\n' >empty/log.jsonl
for bad in '{}' '{"counts": [[1, 2]]}' '{"counts": [[1, -2], [3, 4]]}' '{"counts": [[1, 2], 3]}' '{"counts": []}'; do
    echo "$bad" >empty/confusion.json
    refused 1 plot empty -- 'empty/confusion.json: expected'
done
finish
