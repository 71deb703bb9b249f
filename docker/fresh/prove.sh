#!/bin/sh
# Prove, on a bare Debian 12, that nothing is needed but git, make and a network.
#
#   docker/fresh/prove.sh [--work-tree] [--keep DIR] [COMMAND]        as root; needs debootstrap; 3 GB of disk
#
# COMMAND, run in a fresh clone, is `make demo CHECK=1 && make test` unless given. With --work-tree, what is not
# committed yet is laid over the clone. The bare system is kept in the cache; each run works on a copy of it, which is
# removed afterwards, or with --keep left in an empty directory.
#
#   FRESH_MIRROR   Debian's mirror, if not the one that apt uses here
#   FRESH_MOUNTS   further files and directories of this machine to show inside, read-only, such as pip's settings

set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
# Where this machine itself has its packages from.
mirror=${FRESH_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Component: main' | head -n 1)}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/watchword
base=$cache/bookworm
# How this machine reaches its package indexes is the machine's business, and not what is to be proved.
mounts="/etc/pip.conf /etc/xdg/pip /etc/ssl/certs/ca-certificates.crt ${FRESH_MOUNTS:-}"

say() { echo "fresh: $*"; }
fail() { echo "fresh: $*" >&2; exit 1; }

make_base() {
    [ ! -d "$base" ] || return 0
    say "making a bare Debian 12 in $base, once"
    mkdir -p "$cache"
    rm -rf "$base.new"
    debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$base.new" "$mirror" >"$cache/debootstrap.log" ||
        fail "debootstrap failed, see $cache/debootstrap.log"
    mv "$base.new" "$base"
}

# As a person would: clone, no more.
clone() {
    git clone --quiet --no-hardlinks "$repository" "$root/root/watchword"
    [ "$work_tree" = yes ] || return 0
    say "with what is not committed yet"
    git -C "$repository" ls-files -z --cached --others --exclude-standard |
        (cd "$repository" && xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh) |
        tar -C "$repository" --null --files-from=- -cf - | tar -C "$root/root/watchword" --no-same-owner -xf -
}

# Proxies and clocks, for instance: whatever apt needs here to fetch anything at all.
copy_apt_settings() {
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        if grep -qs '^Acquire::' "$file"; then cp "$file" "$root/etc/apt/apt.conf.d/90-$(basename "$file")"; fi
    done
}

work_tree=no
keep=
[ "${1:-}" != --work-tree ] || { work_tree=yes; shift; }
[ "${1:-}" != --keep ] || { keep=$2; shift 2; }
command=${*:-make demo CHECK=1 && make test}
[ "$(id -u)" = 0 ] || fail "must be run as root"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"

make_base
root=${keep:-$(mktemp -d "$cache/run-XXXXXX")}
# All mounts are in a namespace of their own, and all processes too: when that ends, they are gone.
[ -n "$keep" ] || trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
say "copying it to $root"
cp -a --reflink=auto "$base/." "$root"
chmod 755 "$root"
copy_apt_settings
clone
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
printf '127.0.0.1 localhost fresh\n::1 localhost\n' >"$root/etc/hosts"
say "running: $command"
status=0
unshare --mount --propagation private --pid --fork --kill-child --uts \
    "$here/enter.sh" "$root" "$mounts" "$command" || status=$?
[ "$status" = 0 ] && say "passed" || say "failed with status $status"
exit "$status"
