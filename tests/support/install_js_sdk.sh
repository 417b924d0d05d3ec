#!/bin/bash
# Puts the AWS SDK for JavaScript v3 into build/test-tools/js-sdk and prints that folder.
#
# What is installed is what tests/integration/serve/js/package-lock.json names, checked by its hashes. When it is already
# there, nothing is fetched and no network is needed. Needs npm.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
exec 9> build/test-tools.lock
flock 9  # one installs, others that ask meanwhile find it there
from=tests/integration/serve/js
home=build/test-tools/js-sdk
if ! cmp -s "$from/package-lock.json" "$home/installed-lock.json"; then
  command -v npm > /dev/null || { echo "npm is missing: run scripts/install-deps test" >&2; exit 1; }
  mkdir -p build/test-tools
  scratch=$(mktemp -d build/test-tools/js-sdk.XXXXXX)
  trap 'rm -rf "$scratch"' EXIT
  cp "$from/package.json" "$from/package-lock.json" "$scratch/"
  (cd "$scratch" && npm ci --silent --ignore-scripts --no-audit --no-fund > /dev/null)
  cp "$from/package-lock.json" "$scratch/installed-lock.json"
  rm -rf "$home"
  mv "$scratch" "$home"
fi
echo "$PWD/$home"
