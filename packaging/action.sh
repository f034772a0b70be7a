#!/usr/bin/env bash
# The steps of action.yml: "install" the release, run the "gate". Inputs are the variables INPUT_….
set -euo pipefail

install_release() {
  local folder=$RUNNER_TEMP/joblens-bin repository=$GITHUB_REPOSITORY
  # An action that is not of the workflow's own repository lies in _actions/OWNER/NAME/REF.
  if [[ $GITHUB_ACTION_PATH =~ /_actions/([^/]+/[^/]+)/ ]]; then
    repository=${BASH_REMATCH[1]}
  fi
  export JOBLENS_BIN=$folder
  export JOBLENS_RELEASES=${INPUT_RELEASES:-$GITHUB_SERVER_URL/$repository/releases/download}
  sh "$GITHUB_ACTION_PATH/packaging/install.sh" "$INPUT_VERSION" "$INPUT_SHA256"
  echo "$folder" >>"$GITHUB_PATH"
}

# The verdict that the gate has written last.
verdict() {
  sed -n 's/^verdict=//p' "$GITHUB_OUTPUT" | tail -n 1
}

# Copies standard input to standard error, except for workflow commands, which are written to a file.
hold_commands() {
  local line
  # A canceled gate still writes its report.
  trap '' HUP INT TERM
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line == ::* ]]; then
      printf '%s\n' "$line" >>"$1"
    else
      printf '%s\n' "$line" >&2
    fi
  done
}

# Shows the annotations and the summary of the last attempt. Those of an attempt that is repeated are dropped: GitHub
# would show them as errors of a gate that passes, and shows ten annotations per step.
publish() {
  cat "$RUNNER_TEMP/joblens-commands" >&2
  cat "$RUNNER_TEMP/joblens-summary" >>"${GITHUB_STEP_SUMMARY:-/dev/null}" ||
    echo "::warning::the summary of the job cannot be written" >&2
}

gate() {
  # The report of an earlier gate is not that of this one.
  [[ -z $INPUT_JUNIT ]] || rm -f -- "$INPUT_JUNIT"
  if ! [[ $INPUT_RETRIES =~ ^[0-9]{1,3}$ ]]; then
    echo "::error::retries must be a number"
    printf 'verdict=undecided\nexit=2\nfailed=\n' >>"$GITHUB_OUTPUT"
    return 2
  fi
  local options=(--timeout "$INPUT_TIMEOUT" --report github) lines code attempt
  [[ -z $INPUT_FOR ]] || options+=(--for "$INPUT_FOR")
  [[ -z $INPUT_JUNIT ]] || options+=(--report "junit=$INPUT_JUNIT")
  mapfile -t lines < <(sed -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^$/d' <<<"$INPUT_OPTIONS")
  # Signals are for the gate, which ends and has a report. A trap lets the shell wait for it.
  trap : HUP INT TERM
  trap publish EXIT
  for ((attempt = 0; ; attempt++)); do
    code=0
    : >"$RUNNER_TEMP/joblens-commands" >"$RUNNER_TEMP/joblens-summary"
    {
      GITHUB_STEP_SUMMARY=$RUNNER_TEMP/joblens-summary \
        joblens wait "${options[@]}" "${lines[@]}" - <<<"$INPUT_REFERENCES" 2>&1 >&3 |
        hold_commands "$RUNNER_TEMP/joblens-commands"
    } 3>&1 || code=$?
    # Only a service or network error may be over the next time; a report that cannot be written has a verdict.
    [[ $code -eq 5 && $(verdict) != @(passed|failed) && $attempt -lt $((10#$INPUT_RETRIES)) ]] || break
    echo "joblens ended with exit code 5, trying again"
  done
  # A gate that was not run, as with the option --help, has written no verdict and has not passed.
  if [[ -z $(verdict) ]]; then
    [[ $code -ne 0 ]] || code=2
    printf 'verdict=undecided\nexit=%s\nfailed=\n' "$code" >>"$GITHUB_OUTPUT"
  fi
  return "$code"
}

case ${1:-} in
  install) install_release ;;
  gate) gate ;;
  *) echo "usage: $0 install|gate" >&2 && exit 2 ;;
esac
