#!/bin/bash
# Puts moto's server (an S3 that this project did not write) into build/test-tools/moto and prints its program.
#
# When it is already there, nothing is fetched and no network is needed.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build
exec 9> build/test-tools.lock
flock 9  # one installs, others that ask meanwhile find it there
version=5.2.5
home=build/test-tools/moto
if ! [ -e "$home/version-$version" ]; then
  rm -rf "$home"
  mkdir -p build/test-tools
  # A virtual environment names its own folder, so it cannot be built elsewhere and moved.
  /usr/bin/python3 -m venv "$home"
  "$home/bin/pip" install --quiet --disable-pip-version-check "moto[server]==$version"
  touch "$home/version-$version"
fi
echo "$PWD/$home/bin/moto_server"
