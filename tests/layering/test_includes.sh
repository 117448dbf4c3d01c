#!/usr/bin/env bash
# The project keeps to its own layers.
exec bash "$(dirname "$0")/check.sh" "${GRADSMITH_SOURCE_DIR:-$(dirname "$0")/../..}"
