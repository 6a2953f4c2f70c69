#!/usr/bin/env bash
# Builds and runs the C++ tests of one CMake preset: scripts/cxx_tests.sh native|aarch64|armv7|sanitize|thread.
# Run scripts/environment.sh test first.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
preset=$1
json=$(python -c 'import nlohmann_json, pathlib; print(pathlib.Path(nlohmann_json.__path__[0]) / "include")')

echo "bmx: C++ tests, $preset"
mkdir -p build
cmake --preset "$preset" -Wno-deprecated -DBMX_JSON_INCLUDE="$json" > "build/configure-$preset.log" || {
  cat "build/configure-$preset.log"
  exit 1
}
cmake --build --preset "$preset"
ctest --preset "$preset" --progress
