#!/bin/sh
# Run MariaDB; at the first start, make its files. The schema's owner has the password of the secret.

set -eu
umask 077

data=/var/lib/mysql/data
if [ ! -d "$data" ]; then
    # Elsewhere first, so that a start that was cut off is begun again.
    rm -rf "$data.new"
    # root is whoever comes through the socket as this container's user; there is no password for it.
    mariadb-install-db --no-defaults --datadir="$data.new" --skip-test-db \
        --auth-root-authentication-method=socket --auth-root-socket-user=mysql >/dev/null
    mv "$data.new" "$data"
fi

# A statement a line, run at each start.
cat >/tmp/init.sql <<END
CREATE DATABASE IF NOT EXISTS watchword CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS watchword_owner;
ALTER USER watchword_owner IDENTIFIED BY '$(cat /run/secrets/database_owner)';
GRANT ALL ON watchword.* TO watchword_owner;
END
exec mariadbd --defaults-file=/etc/mysql/centre.cnf --init-file=/tmp/init.sql
