#!/usr/bin/env bash
# Makes .venv with bmx (editable: Python files are used where they lie) and the packages of one extra:
# scripts/environment.sh demo|test. Does nothing if it is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."
extra=$1

fail() {
  echo "bmx: $*" >&2
  exit 1
}

find_python() {
  local name
  for name in ${PYTHON:-python3 python3.11 python3.10 python3.9 python3.12 python3.8}; do
    if "$name" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  fail "Python 3.8 to 3.12 is needed (MXNet 1.9.1 has no newer wheels); ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || true)." \
    "Install one, or name it: PYTHON=/path/to/python3.11 make $extra"
}

find_compiler() {
  local name
  for name in ${CXX:-} c++ g++ clang++; do
    command -v "$name" >/dev/null && return
  done
  fail "a C++17 compiler is needed; install one, for example with: apt-get install g++"
}

# What the compiled parts were built from: any change to it means a new build.
fingerprint() {
  {
    "$1" --version
    find setup.py pyproject.toml CMakeLists.txt include src bmx/_core*.so bmx/lib bmx/bin -type f -print0 2>/dev/null | sort -z | xargs -0 cksum
  } | cksum
}

python=$(find_python)
find_compiler

if ! [ -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
  echo "bmx: [1/3] making .venv with $("$python" --version)"
  rm -rf .venv
  "$python" -m venv .venv || fail "python's venv module does not work; install it, for example with: apt-get install python3-venv"
fi

# Runs pip; shows the steps of its work, keeps the rest in a log, and ends with the log's last lines if it fails.
pip_install() {
  local log=.venv/install.log
  if ! .venv/bin/python -m pip install --disable-pip-version-check "$@" 2>&1 | tee "$log" |
    sed -nu -e '/Collecting\|Building wheel\|still running\|Installing collected\|Successfully/s/^ */bmx:   /p' |
    cut -c1-150; then
    tail -n 40 "$log" >&2
    fail "pip could not install bmx; $log holds its whole output."
  fi
}

mark=.venv/bmx-$extra
[ "$extra" = demo ] && [ -e .venv/bmx-test ] && mark=.venv/bmx-test  # [test] contains [demo]
[ "$(cat "$mark" 2>/dev/null)" = "$(fingerprint .venv/bin/python)" ] && exit 0

if [ -e "$mark" ] && [ "$(cat .venv/bmx-requirements 2>/dev/null)" = "$(cksum < pyproject.toml)" ]; then
  echo "bmx: [2/3] the packages are installed already"
  echo "bmx: [3/3] the sources have changed: compiling bmx again (about 2 minutes)"
  pip_install --no-deps --force-reinstall --editable .
else
  echo "bmx: [2/3] downloading packages: MXNet, GluonCV, NumPy, ... (about 800 MB installed)"
  echo "bmx: [3/3] compiling bmx (both together take 2 to 4 minutes)"
  pip_install --upgrade pip
  pip_install --editable ".[$extra]"
fi
fingerprint .venv/bin/python > "$mark"
cksum < pyproject.toml > .venv/bmx-requirements
