#!/bin/sh
# Run slapd; at the first start, put the people of the secret `people` into it: a line each, account and password.

set -eu
umask 077

base=dc=example,dc=org
data=/var/lib/ldap/data
first_number=2001
group_number=2000

# The hash of what is on standard input.
hashed() {
    cat >/tmp/password
    slappasswd -n -T /tmp/password
    rm /tmp/password
}

trunk() {
    cat <<END
dn: $base
objectClass: dcObject
objectClass: organization
dc: example
o: Example HPC

dn: ou=people,$base
objectClass: organizationalUnit
ou: people

dn: ou=groups,$base
objectClass: organizationalUnit
ou: groups

dn: cn=people,ou=groups,$base
objectClass: posixGroup
cn: people
gidNumber: $group_number

dn: cn=reader,$base
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: $(tr -d '\n' </run/secrets/directory_reader | hashed)

END
}

person() {
    cat <<END
dn: uid=$1,ou=people,$base
objectClass: inetOrgPerson
objectClass: posixAccount
uid: $1
cn: $1
sn: $1
mail: $1@example.org
uidNumber: $3
gidNumber: $group_number
homeDirectory: /home/$1
loginShell: /bin/bash
userPassword: $(printf %s "$2" | hashed)

END
}

everybody() {
    number=$first_number
    while read -r account password; do
        person "$account" "$password" "$number"
        number=$((number + 1))
    done </run/secrets/people
}

if [ ! -d "$data" ]; then
    # Elsewhere first, so that a start that was cut off is begun again.
    rm -rf "$data.new"
    mkdir "$data.new"
    { trunk; everybody; } >/tmp/people.ldif
    sed "s|^directory .*|directory $data.new|" /etc/ldap/slapd.conf >/tmp/slapd.conf
    slapadd -q -f /tmp/slapd.conf -l /tmp/people.ldif
    rm /tmp/people.ldif /tmp/slapd.conf
    mv "$data.new" "$data"
fi

# -d keeps it in the foreground; `none` is what it says whatever the level.
exec slapd -d none -f /etc/ldap/slapd.conf -h "ldaps://0.0.0.0:1636/ ldapi://%2Frun%2Fslapd%2Fldapi/"
