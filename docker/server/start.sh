#!/bin/sh
# Run the command `watchword` with the database user of WATCHWORD_ROLE: owner, radius or operator.
#
# Its settings and the secrets that they name lie in memory, where this container's user alone can read them.

set -eu
umask 077

for secret in /run/secrets/*; do
    cat "$secret" >"/run/watchword/${secret##*/}"
done
# On standard input, since everybody can see a command's arguments.
sed -f /dev/stdin /etc/watchword/watchword.toml.in >"$WATCHWORD_CONFIG" <<END
s|@DATABASE_USER@|watchword_$WATCHWORD_ROLE|
s|@DATABASE_PASSWORD@|$(cat "/run/watchword/database_$WATCHWORD_ROLE")|
END
exec watchword "$@"
