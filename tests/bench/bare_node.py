"""A node as Debian installs it: what else is on the machine that measures is not in the figures."""

_BARE_NODE = """\
set -eu
for directory in /run /usr/lib/python3/dist-packages /usr/local/lib/python3*/dist-packages; do
    [ ! -d "$directory" ] || mount -t tmpfs -o mode=755 tmpfs "$directory"
done
mkdir -m 755 /run/sshd
exec "$@"
"""
AS_ON_A_BARE_NODE = ("sh", "-c", _BARE_NODE, "sh")
"""Before a command, in a mount namespace of its own: a /run in memory, as every machine's is, and none of Debian's own
Python packages. Some are loaded into every interpreter (`.pth`), so that it takes longer to start, and a stack would
look good beside a bare module, and bad beside one that isn't Python."""
