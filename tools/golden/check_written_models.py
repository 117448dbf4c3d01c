#!/usr/bin/env python3
"""Checks that Keras loads what gradsmith writes: every layer, weights and all.

    /tmp/golden/bin/python tools/golden/check_written_models.py PROGRAM [--only CASE]

PROGRAM is gradsmith. It trains each model of assets/golden/layers and assets/golden/keras-* for a step and saves it;
Keras loads the model.json, takes the weights of model.safetensors, and must predict the same within 1e-4; likewise from
the JSON that Keras writes of that model. Prints a line for each, exits 1 if one differs. tests/cli/test_keras.sh runs it.
"""

import argparse
import glob
import os
import subprocess
import sys
import tempfile

from make_layer_cases import REPOSITORY, inputs_of, named_weights

import keras
import numpy as np
import safetensors.numpy
import torch
from keras import layers

TOLERANCE = 1e-4


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"gradsmith {' '.join(arguments)}: {done.stderr.strip()}")


def load(text, weights):
    model = keras.models.model_from_json(text)
    for name, weight in named_weights(model).items():
        weight.assign(weights[name])
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()
    return model


def check(program, case):
    with tempfile.TemporaryDirectory() as work:
        given = ["--init", f"{case}/init.safetensors", "--data", f"npy:{case}/x.npy,{case}/y.npy"]
        once = ["--batch-size", "8", "--max-steps", "1", "--no-plots", "--quiet"]
        run(program, "train", f"{case}/model.json", *given, *once, "--out", work)
        run(program, "predict", work, "--input", f"{case}/x.npy", "--output", f"{work}/predictions.npy")
        expected = np.load(f"{work}/predictions.npy")
        with open(f"{work}/model.json") as file:
            text = file.read()
        with open(f"{work}/model.safetensors", "rb") as file:
            weights = safetensors.numpy.load(file.read())
        try:
            model = load(text, weights)
            again = load(model.to_json(), weights)
        except Exception as error:  # of any kind: it is what is being tested
            print(f"{os.path.basename(case):24s} {str(error).splitlines()[-1][:500]}")
            return False
        worst = 0.0
        for loaded in (model, again):
            found = loaded.predict(inputs_of(loaded, np.load(f"{case}/x.npy")), verbose=0)
            worst = max(worst, float(np.max(np.abs(np.asarray(found).reshape(-1) - expected.reshape(-1)))))
        kinds = {type(layer).__name__ for layer in model._flatten_layers(include_self=False)}
    print(f"{os.path.basename(case):24s} {worst:8.2g}  {' '.join(sorted(kinds))}")
    return worst < TOLERANCE


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    golden = os.path.join(REPOSITORY, "assets", "golden")
    cases = sorted(glob.glob(f"{golden}/layers/*") + glob.glob(f"{golden}/keras-*"))
    cases = [case for case in cases if arguments.only in (None, os.path.basename(case))]
    if not cases:
        sys.exit("no such case")
    sys.exit(0 if all([check(os.path.abspath(arguments.program), case) for case in cases]) else 1)


if __name__ == "__main__":
    main()
