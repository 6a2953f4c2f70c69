#!/usr/bin/env bash
# Format, lint, types, spelling and wording; --fix rewrites what can be rewritten. Run scripts/environment.sh test first.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
python_files=(bmx tests examples benchmarks scripts typings setup.py)
mapfile -t cxx_files < <(git ls-files '*.h' '*.hpp' '*.cc' '*.c')
mapfile -t texts < <(git ls-files ':!tests/fuzz/corpus' ':!docs/results' ':!*.svg')

if [ "${1:-}" = --fix ]; then
  ruff format "${python_files[@]}"
  ruff check --fix "${python_files[@]}"
  clang-format -i "${cxx_files[@]}"
fi
ruff format --check "${python_files[@]}"
ruff check "${python_files[@]}"
mypy
codespell "${texts[@]}"
python scripts/prose.py --strict
mkdocs build --strict --quiet --site-dir build/site
clang-format --dry-run --Werror "${cxx_files[@]}"
echo "bmx: format, lint, types, spelling and wording are clean"
