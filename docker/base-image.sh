#!/bin/sh
# Make the image debian:bookworm-slim with debootstrap, where none can be pulled. What it leaves out is what the real
# one leaves out: manuals, documents, translations.
#
#   docker/base-image.sh        as root; needs debootstrap; two minutes, once
#
# The file system is kept in the cache, so that the next engine has it in seconds.
#
#   BASE_MIRROR   Debian's mirror, if not the one that apt uses here

set -eu
umask 022

image=debian:bookworm-slim
cache=${XDG_CACHE_HOME:-$HOME/.cache}/watchword
archive=$cache/bookworm-slim.tar
mirror=${BASE_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Component: main' | head -n 1)}
security=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm-security' 'Component: main' | head -n 1)

say() { echo "base image: $*"; }
fail() { echo "base image: $*" >&2; exit 1; }

bootstrap() {
    say "making a bare Debian 12 of $mirror, once"
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$cache/bookworm-slim.log" ||
        fail "debootstrap failed, see $cache/bookworm-slim.log"
}

# Packages that come later bring none of it either.
leave_out_documents() {
    cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<-END
	path-exclude /usr/share/doc/*
	path-include /usr/share/doc/*/copyright
	path-exclude /usr/share/man/*
	path-exclude /usr/share/info/*
	path-exclude /usr/share/locale/*
	END
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    find "$root/usr/share/doc" -depth -type d -empty -delete
    for folder in man info locale; do
        find "$root/usr/share/$folder" -mindepth 1 -delete
    done
    # What was downloaded does not stay, as in the real one.
    cat >"$root/etc/apt/apt.conf.d/slim" <<-END
	APT::Keep-Downloaded-Packages "false";
	Dir::Cache::pkgcache "";
	Dir::Cache::srcpkgcache "";
	END
    find "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/var/log" -type f -delete
}

# The updates that the real image has, and whatever apt needs here to fetch anything at all, such as a proxy.
write_sources() {
    {
        echo "deb $mirror bookworm main"
        echo "deb $mirror bookworm-updates main"
        [ -z "$security" ] || echo "deb $security bookworm-security main"
    } >"$root/etc/apt/sources.list"
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        if grep -qs '^Acquire::' "$file"; then cp "$file" "$root/etc/apt/apt.conf.d/90-$(basename "$file")"; fi
    done
}

# No service starts in a build.
forbid_services() {
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

[ "$(id -u)" = 0 ] || fail "must be run as root"
mkdir -p "$cache"
if [ ! -e "$archive" ]; then
    root=$(mktemp -d "$cache/bookworm-slim-XXXXXX")
    trap 'rm -rf --one-file-system "$root"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' HUP TERM
    chmod 755 "$root"
    bootstrap
    leave_out_documents
    write_sources
    forbid_services
    tar -C "$root" --exclude=./dev/* --exclude=./proc/* -cf "$archive.new" .
    mv "$archive.new" "$archive"
fi
say "loading $archive as $image"
docker import "$archive" "$image" >/dev/null
