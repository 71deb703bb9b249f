#!/bin/sh
# Make .venv, or bring it up to date; at once when there is nothing to do.
#
# The system's /usr/bin/python3 and no other: libpam-python embeds that one, and what is tested must be what runs.

set -eu
umask 022
cd "$(dirname "$0")/.."

python=/usr/bin/python3
stamp=.venv/.watchword-setup

fail() {
    echo "setup: $1" >&2
    exit 1
}

# Everything that decides what is in .venv. The directory counts too: a moved .venv is a broken one.
state() {
    { pwd; "$python" --version; cat requirements/dev.txt pyproject.toml scripts/make-venv.sh; } | sha256sum
}

made_with_the_systems_python() {
    [ "$(sed -n 's/^home = //p' .venv/pyvenv.cfg 2>/dev/null)" = /usr/bin ] && .venv/bin/python -c '' 2>/dev/null
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || fail "$python must be Python 3.11 or newer"

if made_with_the_systems_python; then
    [ "$(state)" != "$(cat "$stamp" 2>/dev/null)" ] || exit 0
else
    [ ! -e .venv ] || echo "setup: .venv was made with another Python, or elsewhere: making it anew"
    rm -rf .venv || fail "cannot remove .venv; its owner is $(stat -c %U .venv)"
    "$python" -m venv .venv || fail "cannot make .venv; is python3-venv installed, and this directory yours?"
fi
[ -w .venv ] || fail "cannot write to .venv; its owner is $(stat -c %U .venv)"

echo "setup: installing the locked Python packages into .venv"
rm -f "$stamp"
pip=".venv/bin/python -m pip --disable-pip-version-check --quiet --quiet --no-input"
PIP_ROOT_USER_ACTION=ignore
export PIP_ROOT_USER_ACTION
$pip install --require-hashes -r requirements/dev.txt
$pip install --no-build-isolation --no-deps --editable .
state >"$stamp"
