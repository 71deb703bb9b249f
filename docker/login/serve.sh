#!/bin/bash
# Run a syslog that prints, nslcd and sshd. If one ends, all end, and the restart policy begins anew.

set -euo pipefail
umask 022

# Our modules trust what is root's and nobody else's.
mkdir -m 0700 -p /run/secrets.root
(umask 077 && cat /run/secrets/radius >/run/secrets.root/radius)

(umask 077 && sed -f /dev/stdin /etc/nslcd.conf.in >/run/nslcd.conf) <<END
s|@READER_PASSWORD@|$(cat /run/secrets/directory_reader)|
END
install -d -o nslcd -g nslcd -m 0755 /run/nslcd
install -d -m 0755 /run/sshd
touch /run/utmp /var/log/lastlog /var/log/wtmp

key=/etc/ssh/keys/ssh_host_ed25519_key
[ -e "$key" ] || ssh-keygen -q -t ed25519 -N "" -C "" -f "$key"

trap 'exit 0' TERM INT
trap 'kill $(jobs -p) 2>/dev/null' EXIT
rm -f /dev/log
busybox syslogd -n -S -O - &
until [ -S /dev/log ]; do sleep 0.1; done
nslcd -n &
/usr/sbin/sshd -t
/usr/sbin/sshd -D &
wait -n
echo "serve: a service has ended" >&2
exit 1
