#!/usr/bin/env bash
# Prints the licences of everything that is linked into the binary: each text once, with the crates that
# it is from, then that of musl. The Rust standard library has a file of its own, which comes with Rust.
#
#   packaging/notices.sh [TARGET]
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-$(uname -m)-unknown-linux-musl}
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
# The order of names must not depend on the language of the machine.
export LC_ALL=C

tree() {
  cargo tree --locked --package joblens --edges normal,no-proc-macro --prefix none --target "$target" \
    --format '{p}|{l}' | sed -e 's/ (\*)$//' -e '/^joblens[a-z-]* v/d' | sort -u
}

# The text of a crate that contains none, where its manifest says enough to make it.
standard_text() {
  local folder=$1 license=$2 authors
  [[ $license == *MIT* ]] || {
    echo "error: no licence file in $folder, which is under $license" >&2
    exit 1
  }
  authors=$(awk '/^authors = \[/ { inside = 1 } inside { print } inside && /\]/ { exit }' \
    "$folder/Cargo.toml" | grep -o '"[^"]*"' | tr -d '"' | paste -sd, -)
  sed "s|^Copyright .*|Copyright (c) ${authors//|/}|" LICENSE
}

# The crates that each text is from, and the texts in order.
declare -A users_of
texts=()

add() {
  local crate=$1 text=${2//$'\r'/}
  [[ -n ${users_of[$text]:-} ]] || texts+=("$text")
  users_of[$text]+="${users_of[$text]:+, }$crate"
}

crates=$(tree)
shopt -s nullglob nocaseglob
while read -r name version license; do
  crate="$name ${version#v}"
  folders=("$sources"/*/"${crate/ /-}")
  [[ ${#folders[@]} -gt 0 ]] || {
    echo "error: the source of $crate is missing: run cargo fetch --locked" >&2
    exit 1
  }
  found=false
  for file in "${folders[0]}"/{copying,copyright,licen[cs]e,notice,unlicense}*; do
    [[ -f $file ]] || continue
    add "$crate" "$(<"$file")"
    found=true
  done
  $found || add "$crate" "$(standard_text "${folders[0]}" "$license")"
done < <(tr '|' ' ' <<<"$crates")

printf 'joblens contains the following third-party software.\n\n'
while IFS='|' read -r package license; do
  printf '%s: %s\n' "$package" "$license"
done <<<"$crates"
printf 'musl: MIT\nRust standard library: see rust-standard-library.html\n'
add musl "$(<packaging/musl-copyright.txt)"
rule=$(printf '%.0s=' {1..78})
for text in "${texts[@]}"; do
  printf '\n%s\n%s\n\n%s\n' "$rule" "${users_of[$text]}" "$text"
done
