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
    for account in alice bob carol olga; do
        echo "$account $(openssl rand -hex 5)"
    done
}

# openssl, which talks of its progress on standard error.
certify() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 "$@" 2>"$new/said" || { cat "$new/said" >&2; exit 1; }
}

# A certificate for a service, and the authority that vouches for it, whose key is thrown away.
certify_service() {
    service=$1 name=$2 names=$3
    [ ! -e "secrets/${service}_certificate" ] || return 0
    new=$(mktemp -d)
    certify -subj "/CN=Authority of the centre in containers" \
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign \
        -keyout "$new/authority.key" -out "$new/authority"
    certify -subj "/CN=$name" \
        -addext basicConstraints=critical,CA:false -addext "subjectAltName=$names" \
        -CA "$new/authority" -CAkey "$new/authority.key" -keyout "$new/key" -out "$new/certificate"
    keep "${service}_ca" cat "$new/authority"
    keep "${service}_key" cat "$new/key"
    keep "${service}_certificate" cat "$new/certificate"
    rm -r "$new"
}

for name in database_owner database_radius database_operator database_portal database_keeper radius directory_reader; do
    keep "$name" random
done
keep people people
certify_service directory directory DNS:directory # directory_ca, directory_certificate, directory_key
certify_service portal localhost DNS:localhost,IP:127.0.0.1 # portal_ca, portal_certificate, portal_key
