#!/usr/bin/env bash
# Builds the archive of a release: the static binary with completions, man pages and licences.
#
#   packaging/build.sh [--target TRIPLE] [--profile NAME] [--no-build] [--binary FILE] [--out DIR]
#
# The target is that of musl for this machine, which must be able to run the binary. It needs
# "rustup target add TRIPLE" and musl-gcc (Debian: musl-tools). --no-build takes the binary of an earlier
# build, --binary any other. The same commit gives the same bytes in every folder and on every day.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

target=$(uname -m)-unknown-linux-musl
profile=release
out=target/packages
binary=
build=true
while [[ $# -gt 0 ]]; do
  case $1 in
    --target) target=$2 && shift 2 ;;
    --profile) profile=$2 && shift 2 ;;
    --out) out=$2 && shift 2 ;;
    --binary) binary=$2 && build=false && shift 2 ;;
    --no-build) build=false && shift ;;
    *) echo "usage: $0 [--target TRIPLE] [--profile NAME] [--no-build] [--binary FILE] [--out DIR]" >&2 && exit 2 ;;
  esac
done
# The profile dev has a folder of another name.
: "${binary:=${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}/joblens}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH

compile() {
  local registry=${CARGO_HOME:-$HOME/.cargo}/registry/src folder triple=${target//-/_}
  cargo fetch --locked --target "$target"
  # Panics name source files; without the folders of the builder, they are the same everywhere.
  local flags="--remap-path-prefix=$root=/joblens"
  # The start code of musl from Rust 1.93 on reads packed relocations.
  flags+=$'\x1f-Clink-arg=-Wl,-z,pack-relative-relocs'
  for folder in "$registry"/*; do
    flags+=$'\x1f'"--remap-path-prefix=$folder=/crates"
    CFLAGS+=" -ffile-prefix-map=$folder=/crates"
  done
  env "CARGO_ENCODED_RUSTFLAGS=$flags" "CFLAGS_$triple=$CFLAGS" "CC_$triple=${CC:-musl-gcc}" \
    CARGO_INCREMENTAL=0 cargo build --locked --profile "$profile" --target "$target"
}

CFLAGS=${CFLAGS:-}
if $build; then
  compile
fi
[[ -x $binary ]] || {
  echo "error: no binary at $binary" >&2
  exit 1
}

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=joblens-$version-$target
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
folder=$stage/$name
mkdir -p "$folder/completions" "$folder/man/man1" "$out"
install -m 755 "$binary" "$folder/joblens"
run() { env -i "$folder/joblens" "$@"; }
run completion bash >"$folder/completions/joblens.bash"
run completion zsh >"$folder/completions/_joblens"
run completion fish >"$folder/completions/joblens.fish"
run completion powershell >"$folder/completions/joblens.ps1"
run man "$folder/man/man1" >/dev/null
cp LICENSE README.md README.zh-CN.md CHANGELOG.md "$folder"
packaging/notices.sh "$target" >"$folder/THIRD-PARTY-NOTICES.txt"
cp "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" "$folder/rust-standard-library.html"

archive=$out/$name.tar.gz
tar --create --directory "$stage" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
  --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$name" | gzip -n9 >"$archive"
(cd "$out" && sha256sum -- *.tar.gz >SHA256SUMS)
echo "$archive"
