#!/bin/sh
# Run the command `watchword` with the database user of WATCHWORD_ROLE: owner, radius, operator, portal or keeper.
#
# Its settings and the secrets that they name lie in memory, where this container's user alone can read them.

set -eu
umask 077

for secret in /run/secrets/*; do
    cat "$secret" >"/run/watchword/${secret##*/}"
done

# Nobody gets what is not theirs: nodes ask neither portal nor keeper, and the keeper looks nobody up.
settings() {
    all=/etc/watchword/watchword.toml.in
    beside=/etc/watchword/portal.toml.in
    case $WATCHWORD_ROLE in
        portal) sed '/^\[\[radius\.client\]\]$/,/^$/d' $all && cat $beside ;;
        keeper) sed -e '/^\[\[radius\.client\]\]$/,/^$/d' -e '/^\[ldap\]$/,/^$/d' $all && cat $beside ;;
        *) cat $all ;;
    esac
}

# In a file, since everybody can see a command's arguments.
cat >/run/watchword/names <<END
s|@DATABASE_USER@|watchword_$WATCHWORD_ROLE|
s|@DATABASE_PASSWORD@|$(cat "/run/watchword/database_$WATCHWORD_ROLE")|
s|@PORTAL_URL@|$PORTAL_URL|
END
settings | sed -f /run/watchword/names >"$WATCHWORD_CONFIG"
rm /run/watchword/names
exec watchword "$@"
