#!/usr/bin/env bash
# All tests: Python, C++ on this machine, C++ for 64-bit and 32-bit ARM under qemu-user. Run scripts/environment.sh test first.
set -euo pipefail
cd "$(dirname "$0")/.."

# CI must run everything; a user without the packages gets the rest and is told so.
missing=$(scripts/system-packages.sh)
skip() {
  echo "************************************************************************"
  echo "bmx: SKIPPED: $1"
  echo "bmx: install these and run again: apt-get install" $missing
  echo "************************************************************************"
  [ "${CI:-}" != true ] || exit 1
}

if [[ $missing == *libgtest-dev* ]]; then
  skip "the C++ tests (GoogleTest is missing)"
else
  scripts/cxx_tests.sh native
  if [ -n "$missing" ]; then
    skip "the ARM tests (a cross compiler or qemu is missing)"
  else
    scripts/cxx_tests.sh aarch64
    scripts/cxx_tests.sh armv7
  fi
fi

# A process for each of at most four cores; MXNet's own threads would only get in their way.
workers=$(nproc)
echo "bmx: Python tests"
OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n $((workers < 4 ? workers : 4)) --dist loadfile --durations 15
