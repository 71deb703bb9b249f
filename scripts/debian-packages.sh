#!/bin/sh
# Install the Debian packages of the named sections, if any is missing.
#
#   scripts/debian-packages.sh node|server|demo|test|docker ...
#
# No service starts, now or at the next boot: these packages are wanted for their programs, and whoever wants port 22
# open, or a database, can say so.

set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive

list="$(dirname "$0")/debian-packages.txt"
policy=/usr/sbin/policy-rc.d

wanted() {
    for section in "$@"; do
        awk -v section="$section" '$1 == section { print $2 }' "$list"
    done | sort -u
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
    for package in "$@"; do
        installed "$package" || printf '%s\n' "$package"
    done
}

known_to_apt() {
    apt-get install --simulate --no-install-recommends -qq "$@" >/dev/null 2>&1
}

# Exit status 101 from policy-rc.d forbids every start (Debian policy 9.3.3.1).
keep_services_down() {
    [ ! -e "$policy" ] || return 0
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
    printf '#!/bin/sh\n# Put here for a moment by the set-up of Watchword; remove it if that has ended.\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    echo "setup: no service is started while packages are installed ($policy, removed again afterwards)"
}

# A package that was just added also enables its service for the next boot: take that back.
disable_services_of() {
    for package in "$@"; do
        dpkg -L "$package" 2>/dev/null | sed -n 's|^/etc/init\.d/||p' | while read -r service; do
            update-rc.d "$service" disable >/dev/null 2>&1 || true
            echo "setup: $service ($package) stays off; to have it: update-rc.d $service enable"
        done
        # What systemd alone would start, such as containerd; sockets too, which start a service when they are spoken to.
        [ "$package" != systemd ] && command -v systemctl >/dev/null || continue
        dpkg -L "$package" 2>/dev/null | sed -n 's,^\(/usr\)*/lib/systemd/system/\([^/@]*\.\(service\|socket\)\)$,\2,p' |
            while read -r unit; do systemctl --quiet disable "$unit" >/dev/null 2>&1 || true; done
    done
}

[ "$#" -gt 0 ] || { echo "usage: $0 SECTION..." >&2; exit 2; }
command -v apt-get >/dev/null || { echo "setup: this needs Debian 12 or a relative of it (no apt-get here)" >&2; exit 1; }

# Package names have no blanks, so splitting on them is meant.
# shellcheck disable=SC2046
set -- $(missing_of $(wanted "$@"))
[ "$#" -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "setup: these Debian packages are missing. As root:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends $*" >&2
    exit 1
fi

echo "setup: installing $*"
keep_services_down
known_to_apt "$@" || apt-get update -q
install="apt-get install -q -y --no-install-recommends"
# A stale package list names versions that the mirror no longer has.
$install "$@" || { apt-get update -q && $install "$@"; }
disable_services_of "$@"
