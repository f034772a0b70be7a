#!/usr/bin/env bash
# Fuzzes each target for some seconds, from the seeds and the inputs of the repository.
#
#   fuzz/run.sh [SECONDS] [TARGET…]
#
# Needs a nightly toolchain and cargo-fuzz. New inputs are in fuzz/inputs, and those that show a fault in
# fuzz/artifacts: fix it, and keep the input in fuzz/regressions/TARGET, which cargo test reads.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
targets=("${@:2}")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(cargo +nightly fuzz list)
fi
# cargo-fuzz compiles each crate as one unit, which takes longer than half an hour.
export RUSTFLAGS="${RUSTFLAGS:-} -Ccodegen-units=64"
JOBLENS_SEEDS=fuzz/seeds cargo test --quiet --locked --lib -- fuzz::tests::the_seeds
failed=()
for target in "${targets[@]}"; do
  mkdir -p "fuzz/inputs/$target" "fuzz/corpus/$target"
  # The program has no unsafe code, so that a sanitizer would only take time.
  cargo +nightly fuzz run --sanitizer none "$target" \
    "fuzz/inputs/$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 ||
    failed+=("$target")
done
if [[ ${#failed[@]} -gt 0 ]]; then
  echo "faults: ${failed[*]}" >&2
  exit 1
fi
