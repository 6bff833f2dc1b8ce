#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The links in the documents lead to files, in the source and where the Debian packages install the
# documents. The package of the command has the page that the command's page refers to.
# usage: links.sh SOURCE
set -eu

cd "$1"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

look_at() { # DIRECTORY: its documents
    find "$1" -name build -prune -o -name '*.md' -print >"$dir/documents"
    [ -s "$dir/documents" ] || fail "no documents in $1"
    while read -r document; do
        grep -o ']([^):]*)' "$document" | tr -d ']()' | while read -r link; do
            [ -e "$(dirname "$document")/$link" ] || fail "$document: there is no $link"
        done
    done <"$dir/documents"
}

look_at .
[ -d debian ] || exit 0 # a release has no packaging in it
for package in libshmx-dev shmx; do
    mkdir -p "$dir/$package/examples"
    xargs cp -r -t "$dir/$package" <debian/$package.docs
    # shellcheck disable=SC2046 # patterns
    [ ! -e debian/$package.examples ] || cp -r $(cat debian/$package.examples) "$dir/$package/examples"
    look_at "$dir/$package"
    [ -e "$dir/$package/NEWS.md" ] || fail "$package: no news"
done
grep -q '/man7/shmx.7$' debian/shmx.install || fail 'shmx: shmx(1) refers to shmx(7)'
