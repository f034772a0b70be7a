#!/bin/sh
# Installs a released joblens on Linux, after checking its checksum.
#
#   install.sh VERSION [SHA256]
#
# JOBLENS_RELEASES is the address of the releases, such as
# https://git.example.com/team/joblens/releases/download; JOBLENS_BIN is the folder to install into
# [default: ~/.local/bin]. Without SHA256, that of the archive, the release's file SHA256SUMS is taken, which
# must come by HTTPS.
#
# Exit codes: 2 for what must be changed before it is run again, such as a version without a release, 5 for a
# failed download.
set -eu

fail() {
  echo "error: $1" >&2
  exit "${2:-2}"
}

[ $# -ge 1 ] || fail "usage: install.sh VERSION [SHA256]"
[ -n "${JOBLENS_RELEASES:-}" ] || fail "JOBLENS_RELEASES is not set"
version=${1#v}
checksum=${2:-}
case $version in
  '' | *[!0-9A-Za-z.+-]*) fail "'$version' is not a version" ;;
esac
case $(uname -s)-$(uname -m) in
  Linux-x86_64) target=x86_64-unknown-linux-musl ;;
  Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-musl ;;
  *) fail "no release for $(uname -s) on $(uname -m): use cargo install" ;;
esac
name=joblens-$version-$target
release=${JOBLENS_RELEASES%/}/v$version
folder=${JOBLENS_BIN:-$HOME/.local/bin}

command -v curl >/dev/null || fail "curl is not installed"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# fetch ADDRESS FILE [OPTION...]
fetch() {
  address=$1
  file=$2
  shift 2
  status=$(curl --silent --show-error --location --retry 3 --write-out '%{http_code}' --output "$file" "$@" "$address") ||
    fail "cannot read $address" 5
  case $status in
    # 000 is that of addresses without HTTP.
    2?? | 000) ;;
    404 | 410) fail "joblens $version has no ${address##*/}: $address does not exist (HTTP $status)" ;;
    *) fail "cannot read $address (HTTP $status)" 5 ;;
  esac
}
if [ -z "$checksum" ]; then
  case $release in
    [Hh][Tt][Tt][Pp][Ss]://*) ;;
    *) fail "SHA256SUMS is only read by HTTPS: pass the SHA-256 of $name.tar.gz (input sha256 of the action)" ;;
  esac
  fetch "$release/SHA256SUMS" "$work/SHA256SUMS" --proto '=https'
  checksum=$(awk -v name="$name.tar.gz" '$2 == name { print $1 }' "$work/SHA256SUMS")
fi
case $checksum in
  *[!0-9a-fA-F]*) checksum= ;;
esac
[ ${#checksum} -eq 64 ] || fail "no SHA-256 checksum of $name.tar.gz"
fetch "$release/$name.tar.gz" "$work/$name.tar.gz"
printf '%s  %s\n' "$checksum" "$work/$name.tar.gz" | sha256sum --check --status - ||
  fail "the checksum of $name.tar.gz is not $checksum"
tar -xzf "$work/$name.tar.gz" -C "$work" "$name/joblens"
mkdir -p "$folder"
install -m 755 "$work/$name/joblens" "$folder/joblens"
"$folder/joblens" --version
