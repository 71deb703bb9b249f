#!/bin/sh
# Make the secrets of the centre in docker/secrets; those that are there stay.
#
# The files can be read by all, since each container has a user of its own; the directory, by its owner alone. A
# container sees those that compose.yaml gives it.

set -eu
umask 077
cd "$(dirname "$0")"

command -v openssl >/dev/null || { echo "centre: openssl is missing" >&2; exit 1; }
mkdir -p secrets
chmod 700 secrets

# What a command prints becomes a secret, in one step.
keep() {
    name=$1
    shift
    [ ! -e "secrets/$name" ] || return 0
    "$@" >"secrets/.$name.new"
    chmod 444 "secrets/.$name.new"
    mv "secrets/.$name.new" "secrets/$name"
}

random() { openssl rand -hex 16; }

# A line each: the account and its password.
people() {
    for account in alice bob carol; do
        echo "$account $(openssl rand -hex 5)"
    done
}

# openssl, which talks of its progress on standard error.
certify() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 "$@" 2>"$new/said" || { cat "$new/said" >&2; exit 1; }
}

# A certificate for the directory, and the authority that vouches for it, whose key is thrown away.
certify_directory() {
    [ ! -e secrets/directory_certificate ] || return 0
    new=$(mktemp -d)
    certify -subj "/CN=Authority of the centre in containers" \
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign \
        -keyout "$new/authority.key" -out "$new/authority"
    certify -subj /CN=directory \
        -addext basicConstraints=critical,CA:false -addext subjectAltName=DNS:directory \
        -CA "$new/authority" -CAkey "$new/authority.key" -keyout "$new/key" -out "$new/certificate"
    keep directory_ca cat "$new/authority"
    keep directory_key cat "$new/key"
    keep directory_certificate cat "$new/certificate"
    rm -r "$new"
}

for name in database_owner database_radius database_operator radius directory_reader; do
    keep "$name" random
done
keep people people
certify_directory
