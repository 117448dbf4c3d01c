#!/usr/bin/env bash
# The modules in assets/spirv are those of shaders/coop, and a compiler that is new enough makes the same of them.
exec "${GRADSMITH_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tools/compile-coop" --check
