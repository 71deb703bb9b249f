"""Run a server with a /dev/log and a /run of its own, in a private mount namespace. Needs CAP_SYS_ADMIN."""

from pathlib import Path

# $1 is the syslog's socket, $2 an empty directory that becomes /run, $3 one that becomes /dev; then the command.
# A new /dev, since a file made in the machine's own /dev would be seen by all.
_ENTER = """\
set -eu
log=$1 run=$2 dev=$3
shift 3
mount -t tmpfs -o mode=755 tmpfs "$dev"
for node in null zero full random urandom tty; do
    : >"$dev/$node"
    mount --bind "/dev/$node" "$dev/$node"
done
mkdir "$dev/pts" "$dev/shm"
mount --rbind /dev/pts "$dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$dev/shm"
if [ -L /dev/ptmx ]; then ln -s pts/ptmx "$dev/ptmx"; else : >"$dev/ptmx"; mount --bind /dev/ptmx "$dev/ptmx"; fi
ln -s /proc/self/fd "$dev/fd"
: >"$dev/log"
mount --bind "$log" "$dev/log"
mount --rbind "$dev" /dev
mount --bind "$run" /run
mkdir -p -m 755 /run/sshd
exec "$@"
"""


def with_own_log(log: Path, directory: Path) -> list[str | Path]:
    """Return what to put before a command so that it finds the socket `log` at /dev/log, and an empty /run."""
    run, dev = directory / "run", directory / "dev"
    for path in (run, dev):
        path.mkdir(mode=0o755)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh", log, run, dev]
