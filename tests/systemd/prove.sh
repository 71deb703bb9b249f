#!/bin/sh
# Prove the units of conf/systemd under a real systemd: install as docs/how-to say, boot, log in, sign in, reload, kill,
# stop. See check.py.
#
#   tests/systemd/prove.sh        as root; needs debootstrap; 4 GB of disk, five minutes
#
# systemd is process 1 of namespaces of its own, in a bare Debian 12 that docker/fresh/prove.sh makes: nothing of it is
# seen from outside, and it has no network but its own loopback.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/watchword
packages="systemd systemd-sysv dbus mariadb-server freeradius-utils oathtool"

say() { echo "systemd: $*"; }
fail() { echo "systemd: $*" >&2; exit 1; }

# No service is started by packages: that is for the systemd to come.
install="printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d &&
    apt-get -qq update &&
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $packages >/var/log/packages.log 2>&1 &&
    make install-server >/var/log/install-server.log"

clean_up() {
    # Whoever waits for process 1 of a namespace is deaf to anything less; its end is the end of all in there.
    [ -z "$outer" ] || kill -KILL "$outer" 2>/dev/null || true
    wait 2>/dev/null || true
    # The last processes take a moment to be gone.
    for _ in $(seq 20); do
        [ -z "$group" ] || find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
        [ -d "$group" ] || break
        sleep 0.5
    done
    rm -rf --one-file-system "$root"
}

inside() {
    inner=$(cat "/proc/$outer/task/$outer/children") && inner=${inner%% *} && [ -n "$inner" ] || return 1
    nsenter --target "$inner" --all env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}

[ "$(id -u)" = 0 ] || fail "must be run as root"
# Where the kernel shows control groups of the second kind: alone, or beside those of the first.
groups=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET) || fail "there are no control groups"
mkdir -p "$cache"
outer='' group='' root=$(mktemp -d "$cache/systemd-XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
"$here/../../docker/fresh/prove.sh" --work-tree --keep "$root" "$install"

say "booting"
group=$groups/watchword-systemd-$$
mkdir "$group"
sh -c 'echo $$ >"$1/cgroup.procs" &&
    exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --net "$2" "$3"' \
    sh "$group" "$here/boot.sh" "$root" >"$root/boot.log" 2>&1 &
outer=$!
state=
for _ in $(seq 300); do
    state=$(inside systemctl is-system-running 2>/dev/null || true)
    case $state in running | degraded) break ;; esac
    kill -0 "$outer" 2>/dev/null || { cat "$root/boot.log"; exit 1; }
    sleep 0.2
done
say "the system is ${state:-silent}"
inside python3 /root/watchword/tests/systemd/check.py
