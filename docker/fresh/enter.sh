#!/bin/sh
# Called by prove.sh in new mount, process and host name namespaces: furnish ROOT and run COMMAND in it.
#
#   enter.sh ROOT MOUNTS COMMAND

set -eu
root=$1 mounts=$2 command=$3

# A mount point, as a root directory is: programs inside make mount namespaces of their own.
mount --bind "$root" "$root"
cd "$root"

mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
    : >"dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=755 tmpfs run
mkdir -m 1777 run/lock

# MOUNTS has blanks between names, so splitting it is meant.
for shown in $mounts; do
    [ -e "$shown" ] || continue
    if [ -d "$shown" ]; then
        mkdir -p ".$shown"
    else
        mkdir -p ".$(dirname "$shown")"
        : >>".$shown"
    fi
    mount --bind -o ro "$shown" ".$shown"
done

hostname fresh
# Only what says how to reach a network; nothing else of the caller's environment.
set --
for name in http_proxy https_proxy no_proxy PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_PROXY; do
    value=$(printenv "$name" || true)
    [ -z "$value" ] || set -- "$@" "$name=$value"
done
exec env -i "$@" HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" \
    chroot "$root" /bin/sh -c 'cd /root/watchword && eval "$1"' sh "$command"
