#!/usr/bin/env bash
# gradsmith summary, and every model file that Keras may write: read, or refused by name. Needs no device.
source "$(dirname "$0")/common.sh"
models=$GRADSMITH_SOURCE_DIR/tests/cli/models
reference=$GRADSMITH_SOURCE_DIR/assets/models/fashion-mlp.json

run summary "$reference"
exits 0
silent err
for text in 'Model: "fashion_mlp"' '(None, 784)' 'dense (Dense)' '(None, 64)' '50,240' 'dropout (Dropout)' \
    'dense_1 (Dense)' '(None, 10)' 650 'Total params: 50,890 (198.79 KB)' 'batch size 32 with adam' parameters \
    gradients optimizer activations total; do
    says out "$text"
done
check "the input is no row" test "$(grep -c InputLayer out)" -eq 0

# At another batch size only the activations differ.
cp out small
run summary "$reference" --batch-size 1024
exits 0
same "$(grep optimizer out)" "$(grep optimizer small)"
check "activations grow" test "$(grep activations out)" != "$(grep activations small)"

# The plan of a step.
run summary "$reference" --batch-size 8 --plan
exits 0
silent err
for text in 'A step at batch size 8 on ' '1  input_layer gather forward' '---- barrier' '(8, 784) f32' 'd dense/matmul' \
    'adam forward, kernel ' 'in 5 allocations' 'Activations take'; do
    says out "$text"
done
check "dispatches are numbered" grep -qE '^ +[0-9]+  (matmul_)?adam forward' out
refused 1 summary "$reference" --plan --device nothing-like-this -- 'nothing-like-this'

# Boxes where the locale has them, else ASCII.
LC_ALL=C run summary "$reference"
check "ASCII only" test "$(LC_ALL=C grep -c '[^ -~]' out)" -eq 0
if [[ $(LC_ALL=C.UTF-8 locale charmap 2>/dev/null) == UTF-8 ]]; then
    LC_ALL=C.UTF-8 run summary "$reference"
    says out "┏━━"
else
    echo "note: no locale C.UTF-8; boxes are not looked at"
fi

# The short form.
run summary --layers "28x28 flatten dense:32:tanh reshape:4x8 activation:softmax"
exits 0
for text in '(None, 28, 28)' '(None, 784)' '25,120' '(None, 4, 8)'; do says out "$text"; done
refused 1 summary --layers "784 conv9d:4" -- --layers '"conv9d:4"' 'known are'
refused 1 summary --layers "784 lstm:4" -- 'it must be (times, features)'
refused 1 summary --layers "784 dense:10:foo" -- '"foo"' relu
refused 1 summary --layers "784 dense:0" -- '"dense:0"'
refused 1 summary --layers "784 dense:99999999999" -- dense
refused 1 summary --layers "784 dropout:1.5" -- dropout
refused 1 summary --layers "784 dropout:nan" -- dropout
refused 1 summary --layers "784 reshape:5x5" -- reshape
refused 1 summary --layers "dense:10" -- shape
refused 1 summary --layers " " -- --layers

# file, words of the message
refused_files="
conv3d                   Conv3D volume
constraint               Dense bounded kernel_constraint
dropout_noise_shape      Dropout rows noise_shape
initializer_unsupported  Dense turned Identity
nested                   Sequential inner place
nested_functional        Functional inner place
two_outputs              output_layers 2
recurrent_state          LSTM memory return_state
recurrent_stateful       GRU memory stateful
recurrent_dropout        LSTM memory recurrent_dropout 0.25
recurrent_input_dropout  SimpleRNN memory dropout SpatialDropout1D
reset_before             GRU memory reset_after
masked                   Embedding words mask_zero
backward_other           Bidirectional both backward_layer
regularizer_unsupported  Dense active activity_regularizer
relu_capped              ReLU relu6 max_value
softmax_axis             Softmax columns axis
not_built                input shape
"
while read -r name words; do
    if [[ -z $name ]]; then continue; fi
    # shellcheck disable=SC2086
    refused 1 summary "$models/$name.json" -- "$name.json" $words
done <<<"$refused_files"
for file in "$models"/*.json; do
    if grep -q "^$(basename "$file" .json) " <<<"$refused_files"; then continue; fi
    run summary "$file"
    exits 0
    silent err
    says out "Total params:"
done

# What is not trained.
run summary "$models/frozen.json"
says out "Trainable params: 21"

# Files that are no models.
refused 1 summary nothing.json -- nothing.json 'No such file'
refused 1 summary . -- model.json 'No such file'
refused 1 summary /dev/null -- 'expected a file'
: >empty.json
refused 1 summary empty.json -- empty.json 'line 1'
head -c 900 "$reference" >cut.json
refused 1 summary cut.json -- cut.json line
echo 'not JSON' >words.json
refused 1 summary words.json -- words.json 'line 1'
head -c 4096 /dev/urandom >noise.json
refused 1 summary noise.json -- noise.json
for open in '[' '{"config":'; do
    printf "%.0s$open" $(seq 10000) >deep.json
    refused 1 summary deep.json -- deep.json 'nested too deeply'
done
head -c $((65 << 20)) /dev/zero >large.json
refused 1 summary large.json -- large.json 'at most'
rm large.json
# A name from a file cannot steer the terminal.
sed 's/"fashion_mlp"/"a\\u001b[31mb"/' "$reference" >escape.json
run summary escape.json
check "no escape on the terminal" test "$(LC_ALL=C grep -c "$(printf '\033')" out err | grep -vc ':0')" -eq 0
finish
