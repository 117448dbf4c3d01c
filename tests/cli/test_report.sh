#!/usr/bin/env bash
# gradsmith report: real results, here and changed ones, become a page, Markdown and CSV; bad files are refused.
source "$(dirname "$0")/common.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}malloc_context_size=2
schema=$GRADSMITH_SOURCE_DIR/assets/bench.schema.json

run bench --quick --only peak,matmul --size 256 --json first.json
exits 0
# What the program writes is what the schema says, and the schema is no empty one.
check "first.json follows the schema" "$helper" schema "$schema" first.json
for change in 's/"format": 1/"format": 2/' 's/"quick": false/"quick": 0/;s/"quick": true/"quick": 1/' \
    's/"kind": "fma"/"kind": "fmb"/' 's/"median": /"middle": /' 's/"form": "A B", //' 's/"date": "2/"date": "x/' \
    's/"threads": /"threads": -/'; do
    sed "$change" first.json >changed.json
    check "$change changes the file" test "$(cmp first.json changed.json >/dev/null; echo $?)" == 1
    check "with $change it does not follow" test "$("$helper" schema "$schema" changed.json >wrong; echo $?)" == 1
done
run bench --quick --only train --json train.json
exits 0
check "train.json follows the schema" "$helper" schema "$schema" train.json

# Of the same device, later: multiply-adds at a millionth, beyond the noise of any load; everything else as before.
sed -E 's/"date": "[^"]*"/"date": "2099-01-01T00:00:00Z"/' first.json |
    awk '/"kind": "fma"/ {
        for (key in keys) {
            match($0, "\"" key "\": [0-9.e+]+")
            text = substr($0, RSTART, RLENGTH); sub(/.*: /, "", text)
            $0 = substr($0, 1, RSTART - 1) "\"" key "\": " text / 1000000 substr($0, RSTART + RLENGTH)
        }
    } { print } BEGIN { keys["median"]; keys["low"]; keys["high"] }' >later.json
# Of another device, with a name that is markup, and wrong values.
sed -E 's/"device": \{"name": "[^"]*"/"device": {"name": "<script>alert(\\"x\\")<\/script> \& 9000"/
    /"kind": "matmul"/s/"wrong": 0/"wrong": 3/' first.json >other.json
check "other.json is JSON" test "$(json device name <other.json)" == '<script>alert("x")</script> & 9000'

run report first.json train.json
exits 0
silent err
says out 'Written: report.html (2 files, 1 device)'
run report first.json train.json later.json other.json -o page.html
exits 0
silent err
says out 'Written: page.html (4 files, 2 devices'
says out '1 regression, 0 improvements'
says out 'elements wrong'
for text in '<h2>Devices</h2>' '<h2>Training</h2>' '<h2>Kernels</h2>' '<h2>Rooflines</h2>' '<h2>Changes</h2>' \
    '<h2>Numeric conformance</h2>' '<h2>Files</h2>' 'prefers-color-scheme:dark' '@media print' '✗ regression' \
    '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; 9000' 'square, A B, 256x256x256' 'role="img" aria-label="Roofline of'; do
    says page.html "$text"
done
check "nothing of a file is a script" test "$(grep -c 'alert("x")' page.html)" -eq 0
check "no network" test "$(grep -cE 'https?:|src=|<link|@import|url\(' page.html)" -eq 0
for tag in html head body main section table caption thead tbody tr td th figure svg details form; do
    check "<$tag> ends as often as it begins" test \
        "$(grep -oE "<$tag[ >]" page.html | wc -l)" -eq "$(grep -o "</$tag>" page.html | wc -l)"
done
check "each head of a table has a scope" test "$(grep -oE '<th( |>)' page.html | wc -l)" -eq \
    "$(grep -oE '<th scope="(col|row)"' page.html | wc -l)"
run report other.json later.json train.json first.json --output again.html
check "the order of the files changes the order of the devices only" test \
    "$(grep -c '✗ regression' again.html)" -eq "$(grep -c '✗ regression' page.html)"

run report first.json later.json --format markdown
exits 0
silent err
says out '# gradsmith benchmarks'
says out '| float32 multiply-adds | GFLOP/s |'
says out '**regression**'
run report first.json --format csv
exits 0
same "$(head -n 1 out | cut -d, -f1-4)" file,date,gradsmith,precision
same "$(wc -l <out)" "$(($(grep -c '"kind"' first.json) + 1))"
cp out table.csv
run report first.json --format csv -o file.csv
exits 0
same_bytes table.csv file.csv

refused 2 report -- 'expected FILE'
refused 2 report --format pdf first.json -- '--format: expected html, markdown or csv, found "pdf"'
refused 2 report first.json -o -- '--output needs a value: --output FILE'
refused 2 report first.json -p -- 'unknown option "-p"'
refused 2 report first.json --output "" -- '--output: expected FILE, found ""'
refused 1 report no-such.json -- no-such.json
refused 1 report . -- 'gradsmith: .'
head -c 500 first.json >half.json
refused 1 report first.json half.json -o never.html -- 'half.json: line' 'not valid JSON'
sed 's/"format": 1/"format": 9/' first.json >newer.json
refused 1 report newer.json -o never.html -- 'newer.json: format: expected 1, found 9'
sed 's/"median": /"median": -/' first.json >minus.json
refused 1 report minus.json -o never.html -- 'minus.json: results[0].median: expected a number not below "low"'
absent never.html
refused 1 report first.json -o no-such-folder/report.html -- no-such-folder/report.html
finish
