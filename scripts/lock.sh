#!/bin/sh
# Write the locks: every version, and the hash of every file it may come as. No address, no path.
#
#   scripts/lock.sh [--upgrade]

set -eu
cd "$(dirname "$0")/.."

CUSTOM_COMPILE_COMMAND="make lock"
export CUSTOM_COMPILE_COMMAND

lock() {
    echo "lock: requirements/$1.txt"
    output=$1
    shift
    .venv/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
        --no-emit-trusted-host --strip-extras --allow-unsafe --output-file "requirements/$output.txt" "$@"
}

# In this order: the later ones are held to what the first one chose.
lock runtime "$@" pyproject.toml
lock node "$@" requirements/node.in
lock build "$@" requirements/build.in
lock dev "$@" requirements/dev.in
lock tools "$@" requirements/tools.in
