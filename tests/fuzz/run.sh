#!/bin/sh
# Builds every fuzzer of the project and runs each for SECONDS, from its seeds in tests/fuzz/corpus/NAME.
# Fails on the first finding; the input is then under build-asan/findings: fix the cause, and add the input to the
# corpus. What the fuzzers learn is kept in build-asan/corpus and used again.
#
#   tests/fuzz/run.sh SECONDS [NAME…]      NAME: ion, expression, …; all when none is given
#
# OFFRAMP_FUZZ_BUILD names another build folder.
set -eu
cd "$(dirname "$0")/../.."
if [ $# -lt 1 ] || ! [ "$1" -gt 0 ] 2>/dev/null; then
  echo "usage: tests/fuzz/run.sh SECONDS [NAME…]" >&2
  exit 2
fi
seconds=$1
shift
build=${OFFRAMP_FUZZ_BUILD:-build-asan}

if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046 # names have no blanks
  set -- $(find src -name '*_fuzz.cc' -exec basename {} _fuzz.cc \; | sort)
fi
targets=""
for name in "$@"; do targets="$targets ${name}_fuzz"; done

cmake --preset asan -B "$build" >/dev/null
# shellcheck disable=SC2086
ninja -C "$build" $targets

mkdir -p "$build/findings"
for name in "$@"; do
  seeds=tests/fuzz/corpus/$name
  if [ -z "$(ls "$seeds" 2>/dev/null)" ]; then
    echo "$name: no seeds in $seeds; add some" >&2
    exit 2
  fi
  learnt=$build/corpus/$name
  mkdir -p "$learnt"
  dictionary=tests/fuzz/dictionary/$name.dict
  [ -f "$dictionary" ] && set_dictionary="-dict=$dictionary" || set_dictionary=
  echo "== $name, $seconds s"
  log=$build/$name.log
  # -timeout: an input that takes this long is a finding; a decoder needs milliseconds.
  # shellcheck disable=SC2086
  if ! "$build/${name}_fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 \
      -artifact_prefix="$build/findings/$name-" $set_dictionary "$learnt" "$seeds" >"$log" 2>&1; then
    tail -60 "$log" >&2
    echo "$name: a finding; the input is in $build/findings" >&2
    exit 1
  fi
  tail -1 "$log"
done
