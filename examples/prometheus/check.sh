#!/bin/sh
# Checks these examples, and the metrics of the emulated clouds, with promtool.
set -eu
cd "$(dirname "$0")"
promtool check config scrape.yml
promtool test rules rules_test.yml

log=$(mktemp)
joblens emulate --port 0 2>"$log" &
trap 'kill $! && rm "$log"' EXIT
until origin=$(grep -o 'http://127.0.0.1:[0-9]*' "$log"); do
  kill -0 $! || { cat "$log" >&2; exit 1; }
  sleep 0.1
done
eval "$(joblens emulate --print-env --port "${origin##*:}")"
joblens metrics aliyun huawei sugon tencent kubernetes | promtool check metrics
