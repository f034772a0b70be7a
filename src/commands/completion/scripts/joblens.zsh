#compdef joblens
# zsh completion for joblens

_joblens() {
    local line value help tab=$'\t'
    local -a parts ends
    local program=${${(Q)words[1]}/#\~\//$HOME/}
    # An alias is not a program.
    whence -p -- "$program" >/dev/null || program=joblens
    for line in "${(@f)$("$program" __complete -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
        value=${line%%$tab*}
        help=${line#*$tab}
        [[ -z $value ]] && continue
        # A colon parts a value from what it means.
        line=${value//:/\\:}
        [[ -n $help ]] && line+=":$help"
        if [[ $value == *[/=] ]]; then
            parts+=("$line")
        else
            ends+=("$line")
        fi
    done
    # States may be written in any case.
    local -a any_case=(-M 'm:{a-zA-Z}={A-Za-z}')
    (( $#parts )) && _describe -V 'joblens' parts -S '' $any_case
    (( $#ends )) && _describe -V 'joblens' ends $any_case
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _joblens "$@"
else
    compdef _joblens joblens
fi
