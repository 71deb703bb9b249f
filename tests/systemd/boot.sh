#!/bin/sh
# Called by prove.sh in new namespaces: furnish ROOT, and become systemd in it.
#
#   boot.sh ROOT

set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
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
hostname proof
mkdir -p old
pivot_root . old
cd /
umount -l /old
# systemd asks this variable whether it is in a container; it then leaves the machine's own devices and clock alone.
exec env -i container=proof /lib/systemd/systemd --system systemd.unified_cgroup_hierarchy=1 systemd.log_target=console
