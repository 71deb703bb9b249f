#!/bin/sh
# Say who may do what in the tables: conf/mariadb/grants.sql, with the passwords of the secrets.

set -eu

# For users that nobody is yet: this centre has no portal.
nobodys_password() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

sed -f /dev/stdin /usr/local/share/grants.sql <<END | mariadb --defaults-file=/etc/mysql/centre.cnf watchword
s|'change me: radius'|'$(cat /run/secrets/database_radius)'|
s|'change me: operator'|'$(cat /run/secrets/database_operator)'|
s|'change me: portal'|'$(nobodys_password)'|
s|'change me: keeper'|'$(nobodys_password)'|
END
