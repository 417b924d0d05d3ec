# The front door: `make` builds, `make test` proves, everything else is named in `make help`.
# What is true: every target installs what it needs first, and a stage that fails fails the whole.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
JOBS ?= $(shell nproc)
PYTHON ?= /usr/bin/python3
STAGE := scripts/stage
PYTEST := $(PYTHON) -m pytest -p no:cacheprovider
export PYTHONDONTWRITEBYTECODE := 1
export CCACHE_DIR ?= $(HOME)/.cache/ccache

.PHONY: all help deps test-deps build unit stories asan tsan fuzz test demo bench crash rings differential property format \
	format-check clean

all: build

help:
	@echo 'make            the release binary build/offramp'
	@echo 'make test       everything that proves it: stories, unit tests with sanitizers, fuzzers'
	@echo 'make demo       a small shop, written to all the while, moved into demo/demo.sqlite'
	@echo 'make bench      figures, each beside its limit measured in the same run'
	@echo 'make crash      loads killed 200 times, live migrations 120 times per target; resumed and compared'
	@echo 'make rings      rings of 10,000 items, changed for minutes while they move, on each target'
	@echo 'make differential  200,000 random requests to serve and to DynamoDB Local: the same answers'
	@echo 'make property   1,000,000 random items through both targets and back'
	@echo 'make format     clang-format over all sources;  make clean: remove what was built'

deps:
	@scripts/install-deps build

test-deps:
	@scripts/install-deps test

build: deps
	@cmake --preset release > build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build build -j $(JOBS) --target offramp offramp_generate

unit: build
	cmake --build build -j $(JOBS) --target unit_tests
	ctest --test-dir build --output-on-failure -j $(JOBS)

stories: build
	$(PYTEST) tests -q --durations=10 -n $$(($(JOBS) + 1))

# Sanitizers run the unit tests; the stories run against the release binary, and one more at a time than there are
# processors.
asan tsan: test-deps
	cmake --preset $@ > /dev/null
	cmake --build build-$@ -j $(JOBS) --target unit_tests
	ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
	TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 OFFRAMP_TEST_ROUNDS=$${OFFRAMP_TEST_ROUNDS:-2} \
	ctest --test-dir build-$@ --output-on-failure -j $(JOBS)

fuzz: test-deps
	tests/fuzz/run.sh $${FUZZ_SECONDS:-12}

# What continuous integration runs. Stories mostly wait, sanitizers mostly compile, so they go side by side; the unit
# tests run with the sanitizers only. What the stories print comes when they have ended.
test:
	@$(STAGE) packages        scripts/install-deps test
	@$(STAGE) build           $(MAKE) --no-print-directory build
	@failed=0; \
	  $(STAGE) stories        $(MAKE) --no-print-directory stories > build/stories.txt 2>&1 & stories=$$!; \
	  trap 'trap - TERM; kill 0' INT TERM; \
	  for sanitizer in asan tsan fuzz; do $(STAGE) $$sanitizer $(MAKE) --no-print-directory $$sanitizer || failed=1; done; \
	  wait $$stories || failed=1; \
	  cat build/stories.txt; \
	  $(STAGE) --summary; \
	  exit $$failed

demo: build
	@scripts/install-deps demo
	@scripts/demo

bench: build
	@scripts/install-deps bench
	@cmake --build build -j $(JOBS) --target bench_programs
	@$(PYTHON) bench/run.py

crash: build test-deps
	OFFRAMP_CRASH_KILLS=$${OFFRAMP_CRASH_KILLS:-200} OFFRAMP_LIVE_KILLS=$${OFFRAMP_LIVE_KILLS:-120} \
	$(PYTEST) tests/integration/crash tests/integration/live/test_kills.py -q -s

rings: build test-deps
	OFFRAMP_RING_SECONDS=$${OFFRAMP_RING_SECONDS:-180} OFFRAMP_RING_NODES=$${OFFRAMP_RING_NODES:-10000} \
	$(PYTEST) tests/integration/live/test_moving.py -k a_ring -q -s

differential: build test-deps
	OFFRAMP_DIFF_REQUESTS=$${OFFRAMP_DIFF_REQUESTS:-200000} OFFRAMP_SEED=$${OFFRAMP_SEED:-$$RANDOM$$RANDOM} \
	$(PYTEST) tests/integration/serve/test_differential.py -q -s

property: build test-deps
	OFFRAMP_PROPERTY_ITEMS=$${OFFRAMP_PROPERTY_ITEMS:-1000000} $(PYTEST) tests/integration/property -q -s

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format-14 -i

format-check:
	@git ls-files '*.cc' '*.h' | xargs clang-format-14 --dry-run --Werror

clean:
	rm -rf build build-asan build-tsan demo
