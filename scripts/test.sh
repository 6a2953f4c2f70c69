#!/usr/bin/env bash
# All tests: Python, C++ on this machine, C++ for aarch64 under qemu-user. Run scripts/environment.sh test first.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
json=$(python -c 'import nlohmann_json, pathlib; print(pathlib.Path(nlohmann_json.__path__[0]) / "include")')

# CI must run everything; a user without the packages gets the rest and is told so.
missing=$(scripts/system-packages.sh)
skip() {
  echo "************************************************************************"
  echo "bmx: SKIPPED: $1"
  echo "bmx: install these and run again: apt-get install" $missing
  echo "************************************************************************"
  [ "${CI:-}" != true ] || exit 1
}

cxx_tests() { # preset
  echo "bmx: C++ tests, $1"
  cmake --preset "$1" -DBMX_JSON_INCLUDE="$json" > "build/configure-$1.log" || { cat "build/configure-$1.log"; exit 1; }
  cmake --build --preset "$1"
  ctest --preset "$1"
}

mkdir -p build
if [[ $missing == *libgtest-dev* ]]; then
  skip "the C++ tests (GoogleTest is missing)"
else
  cxx_tests native
  if [ -n "$missing" ]; then
    skip "the aarch64 tests (the cross compiler or qemu is missing)"
  else
    cxx_tests aarch64
  fi
fi

echo "bmx: Python tests"
python -m pytest -q
