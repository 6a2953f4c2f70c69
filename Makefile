# The two commands are `make demo` and `make test`; each sets up what it needs in .venv and can be repeated.
#   PYTHON=python3.10 make demo     chooses the interpreter (3.8 to 3.12)

.PHONY: help demo test check sanitize thread fuzz zoo-check models package release format clean

help:
	@echo "make demo     train, export and run the binary LeNet on real digits (at most 10 minutes)"
	@echo "make test     all tests: Python, C++, C++ for aarch64 under qemu (at most 15 minutes)"
	@echo "make check    format, lint, types, spelling, wording"
	@echo "make sanitize the C++ tests under AddressSanitizer and UBSan"
	@echo "make thread   the C++ tests of threads under ThreadSanitizer"
	@echo "make fuzz     30 minutes of forged files, with libFuzzer and sanitizers (Clang)"
	@echo "make zoo-check every net of the model zoo: trained a step, exported, verified, timed (about an hour)"
	@echo "make models   trains the small nets of a release, into build/models (about two hours)"
	@echo "make package  the wheel in dist/, tried in an environment without MXNet"
	@echo "make release  checks that this commit can be published, and builds what would be; publishes nothing"
	@echo "make format   rewrite the sources in the project's format"
	@echo "make clean    remove build/, .venv/ and demo/"

demo:
	@scripts/environment.sh demo
	@.venv/bin/bmx demo --output demo

test:
	@scripts/environment.sh test
	@scripts/test.sh

check:
	@scripts/environment.sh test
	@scripts/check.sh

sanitize:
	@scripts/environment.sh test
	@scripts/cxx_tests.sh sanitize

thread:
	@scripts/environment.sh test
	@scripts/cxx_tests.sh thread

fuzz:
	@scripts/environment.sh test
	@scripts/fuzz.sh

zoo-check:
	@scripts/environment.sh test
	@.venv/bin/python -m pytest -q -m slow tests/gluon/model_zoo tests/benchmarks
	@.venv/bin/python benchmarks/zoo.py

models:
	@scripts/environment.sh test
	@.venv/bin/python scripts/release_models.py

package:
	@scripts/environment.sh test
	@scripts/package.sh

release:
	@scripts/environment.sh test
	@.venv/bin/python scripts/release.py $(RELEASE_OPTIONS)

format:
	@scripts/environment.sh test
	@scripts/check.sh --fix

clean:
	rm -rf build dist .venv demo bmx/_core*.so bmx/lib bmx/bin
