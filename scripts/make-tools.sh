#!/bin/sh
# Install what `make fuzz` and `make audit` need into build/tools, beside .venv; at once when there is nothing to do.

set -eu
umask 022
cd "$(dirname "$0")/.."

lock=requirements/tools.txt
stamp=build/tools/.watchword-tools

[ "$(sha256sum <"$lock")" != "$(cat "$stamp" 2>/dev/null)" ] || exit 0
echo "tools: installing $lock into build/tools"
rm -rf build/tools
.venv/bin/python -m pip --disable-pip-version-check --quiet --quiet --no-input \
    install --require-hashes --target build/tools -r "$lock"
sha256sum <"$lock" >"$stamp"
