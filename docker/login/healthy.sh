#!/bin/sh
# Whether people can log in here: the directory is known, and sshd listens. Connecting to it would fill the log.

set -eu

getent group people >/dev/null
# Port 22, in the state LISTEN.
grep -q ' [0-9A-F]*:0016 0*:0000 0A ' /proc/net/tcp
