#!/usr/bin/env bash
# protect, unprotect, rekey, sign, verify, keygen; evaluate, predict and summary of protected models.
source "$(dirname "$0")/common.sh"
run --version
if grep -q 'not in this build' out; then
    refused 1 keygen some.key -- libsodium-dev
    echo "not tested: protected models (this build has no libsodium)"
    finish
fi
make_data
# One device-sized answer for all: what evaluate says of a folder, without its times.
answer() {
    run evaluate "$@" --data "$more" --json
    exits 0
    grep -v seconds out >"answer"
}
# Files of a folder that are neither logs nor encrypted.
plain_files() { find "$1" -type f ! -name '*.csv' ! -name '*.jsonl' ! -name lock ! -exec grep -q 'GSENC' {} \; -print; }

run train --layers "$layers" --data "$data" --epochs 2 --no-plots --save-best best --out model
exits 0
answer model && cp answer expected
cp -r model plain
head -c 4000 plain/model.safetensors | tail -c 1000 >piece

# --- with a key file
run keygen my.key
exits 0
check "only its owner can read it" test "$(stat -c %a my.key)" == 600
refused 1 keygen my.key -- my.key 'never overwritten'
refused 2 keygen -- 'expected FILE'
refused 2 protect -- 'expected DIR'
refused 1 protect nowhere --key-file my.key -- nowhere
run protect model --key-file my.key
exits 0
says out 'encrypted'
same "$(plain_files model)" ""
check "no bytes of the weights" test "$(LC_ALL=C grep -rlaF -f <(strings -n 8 piece | head -n 3) model | wc -l)" -eq 0
check "no name of a layer" test "$(LC_ALL=C grep -rla 'dense' model | wc -l)" -eq 0
same_bytes model/history.csv plain/history.csv
run protect model --key-file my.key
exits 0
says out '0 files encrypted'
answer model --key-file my.key
same_bytes answer expected
run predict model --input more-images --key-file my.key
check "predict reads the model" grep -qv encrypted err
run summary model --key-file my.key
exits 0
says out 'Total params'
run plot model
exits 0
says out 'curves only'
rm -rf model/report.html model/plots

# --- refusals, each in one line, before anything is used
run keygen other.key
refused 1 evaluate model --data "$more" --key-file other.key -- model/model.json 'the key is wrong'
refused 1 evaluate model --data "$more" -- 'a key is needed and there is no terminal' '--key-file'
refused 1 evaluate plain --data "$more" --key-file my.key -- plain/model 'is not encrypted, but a key was given'
refused 1 summary plain --key-file my.key -- plain/model.json 'is not encrypted'
refused 2 evaluate model --data "$more" --key-file my.key --passphrase-fd 0 -- 'leave out one'
refused 1 evaluate model --data "$more" --passphrase-fd 9 -- '--passphrase-fd'
cp my.key open.key && chmod 644 open.key
refused 1 evaluate model --data "$more" --key-file open.key -- open.key 'chmod 600'
head -c 31 my.key >short.key && chmod 600 short.key
refused 1 evaluate model --data "$more" --key-file short.key -- short.key '31 bytes'
cp -r model cut && head -c 9000 model/model.safetensors >cut/model.safetensors
refused 1 evaluate cut --data "$more" --key-file my.key -- cut/model.safetensors 'is cut off: it has 9000 bytes of'
cp -r model changed && printf 'X' | dd of=changed/model.safetensors bs=1 seek=60 conv=notrunc 2>dd.log
refused 1 evaluate changed --data "$more" --key-file my.key -- changed/model.safetensors 'header was changed'
cp -r model changed2 && printf '\377\377\377' | dd of=changed2/model.safetensors bs=1 seek=3000 conv=notrunc 2>dd.log
refused 1 evaluate changed2 --data "$more" --key-file my.key -- changed2/model.safetensors 'chunk 1 of 1 was changed'
# Another file of the same key in its place, and the plain one.
cp -r model mixed && cp model/model.json mixed/model.safetensors
refused 1 evaluate mixed --data "$more" --key-file my.key -- mixed/model.safetensors
cp -r model mixed2 && cp plain/model.safetensors mixed2/
refused 1 evaluate mixed2 --data "$more" --key-file my.key -- mixed2/model.safetensors 'is not encrypted'

# --- another key; a passphrase from a file, from an open file
printf 'correct horse battery staple\n' >phrase && chmod 600 phrase
GRADSMITH_NEW_PASSPHRASE_FILE=phrase run rekey model --key-file my.key
exits 0
says out 'encrypted anew'
refused 1 evaluate model --data "$more" --key-file my.key -- 'encrypted with a passphrase, but a key file was given'
GRADSMITH_PASSPHRASE_FILE=phrase answer model
same_bytes answer expected
exec 7<phrase
answer model --passphrase-fd 7
exec 7<&-
same_bytes answer expected
chmod 644 phrase
GRADSMITH_PASSPHRASE_FILE=phrase refused 1 evaluate model --data "$more" -- phrase 'chmod 600'
chmod 600 phrase
printf 'wrong' >wrong && chmod 600 wrong
GRADSMITH_PASSPHRASE_FILE=wrong refused 1 evaluate model --data "$more" -- 'the key is wrong'
printf '\n' >empty && chmod 600 empty
GRADSMITH_PASSPHRASE_FILE=empty refused 1 evaluate model --data "$more" -- 'the passphrase is empty'
GRADSMITH_PASSPHRASE_FILE=phrase answer plain # no key was asked for
same_bytes answer expected
GRADSMITH_PASSPHRASE_FILE=phrase run unprotect model
exits 0
rm -f model/lock plain/lock
check "as it was before" diff -r model plain

# --- a passphrase at the terminal
if command -v script >/dev/null; then
    last="protect at a terminal"
    (sleep 1; printf 'first\n'; sleep 1; printf 'first\n') |
        script -qec "'$GRADSMITH_PROGRAM' protect model" typescript >out 2>err
    code=$?
    exits 0
    says out 'New passphrase: '
    says out 'The same again: '
    check "no echo" test "$(grep -c first out)" -eq 0
    same "$(plain_files model)" ""
    last="evaluate at a terminal"
    (sleep 1; printf 'firsx\177t\n') |
        script -qec "'$GRADSMITH_PROGRAM' evaluate model --data '$more'" typescript >out 2>err
    code=$?
    exits 0
    says out 'loss '
    last="two that differ"
    (sleep 1; printf 'a\n'; sleep 1; printf 'b\n') |
        script -qec "'$GRADSMITH_PROGRAM' protect plain" typescript >out 2>err
    code=$?
    exits 1
    says out 'the two passphrases differ'
    last="Ctrl-C"
    (sleep 1; printf '\003') | script -qec "'$GRADSMITH_PROGRAM' protect plain; stty" typescript >out 2>err
    says out 'no passphrase was given'
    check "the terminal has its echo again" test "$(grep -c -- '-echo' out)" -eq 0
else
    echo "not tested: passphrases at a terminal (the program script of Debian's bsdutils is not installed)"
fi

# --- signatures
run keygen --sign sign.key
exits 0
check "only its owner can read it" test "$(stat -c %a sign.key)" == 600
run keygen --sign stranger.key
run sign plain --secret-key sign.key
exits 0
run verify plain --public-key sign.key.pub
exits 0
says out 'the signature is good'
check "sha256sum reads the list" bash -c 'cd plain && grep "  " SIGNATURE | sha256sum --check --quiet'
run evaluate plain --data "$more"
run verify plain --public-key sign.key.pub
exits 0
refused 1 verify plain --public-key stranger.key.pub -- 'another key'
refused 2 verify plain -- '--public-key is missing'
refused 2 sign plain -- '--secret-key is missing'
refused 1 sign plain --secret-key sign.key.pub -- 'chmod 600'
printf ' ' >>plain/model.json
refused 1 verify plain --public-key sign.key.pub -- plain/model.json 'was changed since it was signed'
finish
