# bash completion for joblens

_joblens() {
    local rest=${COMP_LINE:0:COMP_POINT} words=() word value prefix i
    # Bash parts words at @, : and =, which references hold: what no blank parts is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $i -eq 0 || $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            words+=("")
        fi
        [[ $i -eq COMP_CWORD ]] && word=$rest
        words[${#words[@]} - 1]+=$word
        rest=${rest#"$word"}
    done
    word=${words[${#words[@]} - 1]}
    # Only what stands after the last parting is put in place of it.
    prefix=${word%"$2"}
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        COMPREPLY+=("${value#"$prefix"}")
    done < <("${words[0]/#\~\//$HOME/}" __complete -- "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o bashdefault -F _joblens joblens
