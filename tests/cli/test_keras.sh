#!/usr/bin/env bash
# What train writes is loaded by Keras, with every layer, and predicts the same there.
source "$(dirname "$0")/common.sh"
for candidate in ${GRADSMITH_PYTHON:-} python3; do
    if KERAS_BACKEND=torch "$candidate" -c "import keras, safetensors, torch" 2>/dev/null; then python=$candidate; fi
done
if [[ -z ${python:-} ]]; then
    echo "skipped: no Python with keras, torch and safetensors (GRADSMITH_PYTHON names one); unit/keras_written compares the members"
    exit 77
fi
last="tools/golden/check_written_models.py"
PYTHONDONTWRITEBYTECODE=1 "$python" "$GRADSMITH_SOURCE_DIR/tools/golden/check_written_models.py" "$GRADSMITH_PROGRAM" >out 2>err
code=$?
exits 0
check "at least 20 models" test "$(wc -l <out)" -ge 20
finish
