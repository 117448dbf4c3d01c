#!/usr/bin/env bash
# Tables, image folders and archives: trained on, kept in data.json, evaluated and predicted by it; and bad ones.
source "$(dirname "$0")/common.sh"
golden=$GRADSMITH_SOURCE_DIR/assets/golden/data
iris=$GRADSMITH_SOURCE_DIR/assets/data/iris.csv

# --- a table, end to end
learn=(train --layers "4 dense:16:relu dense:3" --data "$iris" --label species --scale standard --learning-rate 0.01)
run "${learn[@]}" --validation-split 0.2 --test-split 0.1 --epochs 60 --out runs/iris
exits 0
silent err
for text in 'iris.csv: 105 samples (4,), 3 classes' 'iris.csv: 30 samples' 'iris.csv: 15 samples' 'Test        loss' \
    'val_accuracy 0.9' 'data.json'; do
    says out "$text"
done
test_line=$(sed -n 's/^Test  *loss \([0-9.]*\)  accuracy \([0-9.]*\)$/\1 \2/p' out)
exists runs/iris/data.json runs/iris/classes.json
same "$(json 2 <runs/iris/classes.json)" virginica
same "$(json table columns 2 name <runs/iris/data.json)" petal_length
# The three parts are those of the training, with its scaling.
run evaluate runs/iris --data "$iris" --part test --json
exits 0
same "$(json samples <out)" 15
same "$(printf '%.4f %.4f' "$(json loss <out)" "$(json accuracy <out)")" "$test_line"
run evaluate runs/iris --data "$iris" --part validation --json
same "$(json samples <out)" 30
same "$(json loss <out | cut -c1-6)" "$(tail -n 1 runs/iris/log.jsonl | json val_loss | cut -c1-6)"
run evaluate runs/iris --data "$iris" --json
exits 0
same "$(json samples <out)" 150
check "accuracy above 0.93" awk "BEGIN { exit !($(json accuracy <out) > 0.93) }"
# Other order of columns, no label.
awk -F, '{ print $4 "," $3 ",x," $2 "," $1 }' "$iris" | sed -n '1p;2p' >first.csv
run predict runs/iris --input first.csv
exits 0
same "$(sed -n '2s/.*%  *//p' out)" 'setosa (class 0)'
cut -d, -f1-4 "$iris" >all.csv
run predict runs/iris --input all.csv --output out.npy --softmax
exits 0
same "$("$helper" rows out.npy 3 | wc -l)" 150
check "most of the last class" test "$("$helper" rows out.npy 3 | tail -n 50 | grep -c '1.0000 2')" -gt 40
run predict runs/iris --input all.csv --output out.csv
exits 0
silent out
same "$(head -n 1 out.csv)" class,setosa,versicolor,virginica
same "$(wc -l <out.csv)" 151
same "$(sed -n 2p out.csv | cut -d, -f1)" setosa
check "as many of the last class" test "$(tail -n 50 out.csv | grep -c ^virginica,)" -gt 40
refused 1 predict runs/iris --input all.csv --output nowhere/out.csv -- nowhere/out.csv
refused 1 predict runs/iris --input all.csv -- '150 samples' FILE.csv
# The same seed, the same bytes; another seed splits otherwise.
run "${learn[@]}" --validation-split 0.2 --test-split 0.1 --epochs 60 --out runs/again
same_bytes runs/iris/data.json runs/again/data.json
same_bytes runs/iris/model.safetensors runs/again/model.safetensors
run "${learn[@]}" --validation-split 0.2 --test-split 0.1 --seed 1 --out runs/again
check "another seed, other means" test "$(cksum <runs/iris/data.json)" != "$(cksum <runs/again/data.json)"
# A run whose data needs no recipe leaves none.
"$helper" idx images labels 96 28 28 3
run train --layers "784 dense:3" --data idx:images,labels --out runs/again
exits 0
absent runs/again/data.json
refused 1 evaluate runs/again --data idx:images,labels --part test -- '--part test' data.json
refused 1 evaluate runs/iris --data idx:images,labels -- 'trained with a table'
refused 1 predict runs/iris --input images -- images
run "${learn[@]}" --out runs/whole
refused 1 evaluate runs/whole --data "$iris" --part validation -- '--part validation' 'no such part'

# --- values, categories, missing cells, other delimiters
{
    echo 'rooms;town;built;price'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        town=$([[ $((i % 2)) == 0 ]] && echo "Bad \"\"Ems\"\"; Nord" || echo Ulm)
        echo "$i;\"$town\";$([[ $i == 3 ]] || echo "19$((50 + i))");$((i * 10))"
    done
} >homes.csv
run train --layers "4 dense:1" --data homes.csv --label price --loss mse --delimiter ';' --missing mean --scale minmax \
    --metrics mae --epochs 2 --out runs/homes
exits 0
check "values are no classes" test "$(grep -c classes out)" -eq 0
same "$(json table columns 1 categories 0 <runs/homes/data.json)" 'Bad "Ems"; Nord'
printf 'rooms;town;built\n2;Ulm;\n' >home.csv
run predict runs/homes --input home.csv
exits 0
says out 'output 0'
printf 'rooms;town;built\n2;Mainz;1990\n' >home.csv
refused 1 predict runs/homes --input home.csv -- 'home.csv:2: column 2 (town): "Mainz" was not' 'known are' Ulm
run train --layers "4 dense:2" --data homes.csv --label town --delimiter ';' --missing drop --one-hot --ignore 4 \
    --categorical 1 --loss categorical_crossentropy --out runs/towns
exits 1 # 11 rooms of one kind each and a year: 13 values
says err 13
run train --layers "13 dense:2" --data homes.csv --label town --delimiter ';' --missing drop --one-hot --ignore price \
    --categorical rooms --loss categorical_crossentropy --split random --validation-split 0.3
exits 0

printf 'rooms;town;built\n2;Ulm;\n3;Ulm;1960\n' >home.csv
run predict runs/homes --input home.csv --output prices.csv
exits 0
same "$(head -n 1 prices.csv)" output_0
same "$(wc -l <prices.csv)" 3

# --- archives and images
run train --layers "3 dense:3" --data "$golden/packed.npz"
if grep -q 'built without libzip' err; then
    echo "not tested: npz files (this build has no libzip)"
else
    exits 0
    run train --layers "3 dense:3" --data "npz:$golden/packed.npz,x,y" --scale standard --out runs/npz
    exits 0
    run evaluate runs/npz --data "$golden/packed.npz"
    exits 0
    head -c 300 "$golden/packed.npz" >cut.npz
    refused 1 train --layers "3 dense:3" --data cut.npz -- 'cut.npz: not an npz file'
    refused 1 train --layers "3 dense:3" --data "npz:$golden/packed.npz,x,labels" -- 'no array "labels"' x.npy
fi
mkdir -p set/boot set/shoe
for i in 1 2 3 4; do
    cp "$golden/rgb.png" "set/boot/$i.png"
    cp "$golden/rgba.png" "set/shoe/$i.png"
done
run train --layers "8x8x1 flatten dense:2" --data set --image-size 8x8 --channels grey --validation-split 0.25 \
    --out runs/set
exits 0
says out 'set: 6 samples (8, 8, 1), 2 classes'
run predict runs/set --input "$golden/rgb.bmp"
exits 0
says out '(class 1)'
run evaluate runs/set --data images:set --part validation
exits 0
mkdir set/none
refused 1 train --layers "351 dense:2" --data set -- 'class "none" has no images'
cp "$golden/grey16.png" set/none/1.png
refused 1 train --layers "351 dense:2" --data set -- 'none/1.png: 16 bits a channel'

# --- a run's folder whose data.json or classes.json is damaged
cp -r runs/iris broken
head -c 200 runs/iris/data.json >broken/data.json
refused 1 evaluate broken --data "$iris" -- 'broken/data.json: line 8'
refused 1 predict broken --input first.csv -- 'broken/data.json: line 8'
sed 's/"kind": "table"/"kind": "chair"/' runs/iris/data.json >broken/data.json
refused 1 evaluate broken --data "$iris" -- 'broken/data.json: kind: expected one of' '"chair"'
cp runs/iris/data.json broken/data.json
for names in '["setosa"]' '[1, 2, 3]' '["a",'; do
    echo "$names" >broken/classes.json
    run predict broken --input first.csv
    exits 0
    says err 'broken/classes.json is not used: expected a list of 3 strings'
done

# --- augmentation: repeatable, another training than without, and not in evaluation
learn=(train --layers "784 dense:8:relu dense:3" --data idx:images,labels --epochs 2 --seed 5)
run "${learn[@]}" --out runs/plain
for augment in flip,crop=2,rotate=20,contrast=0.2,brightness=0.1,cutout=6 flip_vertical; do
    run "${learn[@]}" --augment $augment --out runs/one
    exits 0
    run "${learn[@]}" --augment $augment --out runs/two
    same_bytes runs/one/model.safetensors runs/two/model.safetensors
    check "other weights" test "$(cksum <runs/plain/model.safetensors)" != "$(cksum <runs/one/model.safetensors)"
done
run "${learn[@]}" --augment mixup=0.2 --one-hot --loss categorical_crossentropy
exits 0
refused 1 "${learn[@]}" --quiet --augment mixup=0.2 -- --one-hot
refused 1 train --quiet --layers "4 dense:3" --data "$iris" --label species --augment flip -- 'no images'
refused 2 "${learn[@]}" --augment flip,spin -- 'unknown augmentation "spin"' flip_vertical crop=PIXELS
refused 2 "${learn[@]}" --augment crop=x -- '"x" is not a number'
run train "$GRADSMITH_SOURCE_DIR/tests/cli/models/augmentation.json" --data set --image-size 8x8 --channels rgb
exits 1 # the folder "none" still has a bad image
rm -r set/none
run train "$GRADSMITH_SOURCE_DIR/tests/cli/models/augmentation.json" --data set --image-size 8x8 --channels rgb
exits 0

# --- bad command lines
bad() { refused 2 train --layers "4 dense:3" --data "$iris" "$@"; }
bad --missing never -- --missing 'error, mean, zero, drop' '"never"'
bad --scale standart -- 'did you mean standard'
bad --split half -- --split stratified
bad --label-as text -- --label-as class
bad --channels 3 -- --channels rgb
bad --image-size 32 -- --image-size HEIGHTxWIDTH
bad --image-size 0x3 -- --image-size
bad --delimiter ab -- --delimiter tab
bad --test-split 1 -- --test-split
refused 2 evaluate runs/iris --data "$iris" --part some -- --part validation

# --- bad tables
bad() { refused 1 train --layers "2 dense:2" --data "$@"; }
bad "$iris" -- 'which column has the targets' --label
bad "$iris" --label kind -- 'no column "kind"' 'sepal_length, sepal_width, petal_length, petal_width, species'
bad "$iris" --label species --validation-split 0.6 --test-split 0.5 -- 'leave nothing to train with'
bad nothing.csv --label y -- nothing.csv 'No such file'
table() { # table TEXT MESSAGE...
    printf '%b' "$1" >t.csv
    bad t.csv --label y -- "${@:2}"
}
table 'a,b,y\n1,2,0\n1,2\n' 't.csv:3: 2 cells, expected 3'
table 'a,b,y\n1,2,0\nx,2,1\n' 't.csv:3: column 1 (a): "x" is not a number' --categorical
table 'a,b,y\n1,nan,0\n' 't.csv:2: column 2 (b): "nan" is a missing value' --missing
table 'a,b,y\n1,"2,0\n' 't.csv:2: the quote of cell 2 is not closed'
table 'a,b,y\n' 'no rows follow'
table '' 'is empty'
table '1,2,0\n3,4,1\n' 'only numbers' --no-header
table 'a,b,y\n1,\0,1\n' 'zero byte'
finish
