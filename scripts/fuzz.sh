#!/usr/bin/env bash
# Looks for a file that makes the runtime crash, leak, hang or disagree with itself: scripts/fuzz.sh [SECONDS], 1800 if not
# given. Starts from tests/fuzz/corpus; what it finds beyond that is merged into it. Needs Clang; run
# scripts/environment.sh test first.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
seconds=${1:-1800}
command -v clang++ >/dev/null || { echo "bmx: scripts/fuzz.sh needs Clang; install it (Debian: apt-get install clang)" >&2; exit 1; }
json=$(python -c 'import nlohmann_json, pathlib; print(pathlib.Path(nlohmann_json.__path__[0]) / "include")')

cmake --preset fuzz -Wno-deprecated -DBMX_JSON_INCLUDE="$json" >/dev/null
cmake --build --preset fuzz
work=build/fuzz/corpus
mkdir -p "$work"
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
options=(-timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=65536 -artifact_prefix=build/fuzz/)
build/fuzz/tests/fuzz/bmx-fuzz "${options[@]}" -max_total_time="$seconds" -print_final_stats=1 "$work" tests/fuzz/corpus
echo "bmx: $seconds s without a finding; keeping the files that reach new code in tests/fuzz/corpus"
rm -rf build/fuzz/merged
mkdir build/fuzz/merged
build/fuzz/tests/fuzz/bmx-fuzz "${options[@]}" -use_counters=0 -merge=1 build/fuzz/merged tests/fuzz/corpus "$work"
rm tests/fuzz/corpus/*
cp build/fuzz/merged/* tests/fuzz/corpus/
