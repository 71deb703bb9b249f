#!/bin/sh
# Say who may do what in the tables: conf/mariadb/grants.sql, with the passwords of the secrets.

set -eu

sed -f /dev/stdin /usr/local/share/grants.sql <<END | mariadb --defaults-file=/etc/mysql/centre.cnf watchword
s|'change me: radius'|'$(cat /run/secrets/database_radius)'|
s|'change me: operator'|'$(cat /run/secrets/database_operator)'|
s|'change me: portal'|'$(cat /run/secrets/database_portal)'|
s|'change me: keeper'|'$(cat /run/secrets/database_keeper)'|
END
