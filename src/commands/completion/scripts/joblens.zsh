#compdef joblens
# zsh completion for joblens

_joblens() {
    local line value help offered tab=$'\t' found=1
    local -a parts ends wholes
    local program=${${(Q)words[1]}/#\~\//$HOME/}
    # An alias is not a program.
    whence -p -- "$program" >/dev/null || program=joblens
    # The program fails if there is nothing to offer and the word is not the name of a file.
    offered=$("$program" __complete -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null) || return 1
    for line in "${(@f)offered}"; do
        value=${line%%$tab*}
        help=${line#*$tab}
        [[ -z $value ]] && continue
        # A colon parts a value from what it means.
        line=${value//:/\\:}
        [[ -n $help ]] && line+=":$help"
        if [[ $value != "${(Q)PREFIX}"* ]]; then
            # A reference in place of its id.
            wholes+=("$value")
        elif [[ $value == *[/=] ]]; then
            parts+=("$line")
        else
            ends+=("$line")
        fi
    done
    (( $#ends )) && _describe -V 'joblens' ends && found=0
    (( $#parts )) && _describe -V 'joblens' parts -S '' && found=0
    (( $#wholes )) && compadd -U -- $wholes && found=0
    if (( ! $#parts && ! $#ends && ! $#wholes )); then
        # A file may follow an equals sign, as in --report junit=FILE.
        compset -P '*='
        _files && found=0
    fi
    # Other completers, such as those that correct what was typed, run only if nothing was found.
    return found
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _joblens "$@"
else
    compdef _joblens joblens
fi
