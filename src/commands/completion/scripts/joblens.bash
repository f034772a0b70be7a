# bash completion for joblens

# Sets REPLY to a word without its quotes; nothing in it is run.
_joblens_unquote() {
    local quote='' c i
    REPLY=''
    for ((i = 0; i < ${#1}; i++)); do
        c=${1:i:1}
        if [[ $quote != "'" && $c == \\ ]]; then
            ((i++))
            REPLY+=${1:i:1}
        elif [[ -n $quote && $c == "$quote" ]]; then
            quote=''
        elif [[ -z $quote && $c == [\"\'] ]]; then
            quote=$c
        else
            REPLY+=$c
        fi
    done
}

# Succeeds if the word is the file of a redirection, a variable, or the home folder of a user.
_joblens_leaves_to_bash() {
    # Bash splits words before and after a redirection.
    local redirection=''
    ((COMP_CWORD > 0)) && redirection=${COMP_WORDS[COMP_CWORD - 1]}
    [[ -n $redirection && -z ${redirection//[<>]/} ]] && return 0
    # Bash also expands variables within double quotes.
    [[ ${COMP_WORDS[COMP_CWORD]} == [\$\`~]* || ${COMP_WORDS[COMP_CWORD]} == \"[\$\`]* ]]
}

_joblens() {
    local rest=${COMP_LINE:0:COMP_POINT} words=() rows=() word value about prefix program offered i REPLY
    COMPREPLY=()
    if _joblens_leaves_to_bash; then
        compopt -o bashdefault -o default 2>/dev/null
        return 0
    fi
    # Bash splits words at @, : and =, which references contain: join what is not separated by whitespace.
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
    for i in "${!words[@]}"; do
        _joblens_unquote "${words[i]}"
        words[i]=$REPLY
    done
    # Bash replaces only the part after the last split.
    _joblens_unquote "$2"
    prefix=${words[${#words[@]} - 1]%"$REPLY"}
    program=${words[0]/#\~\//$HOME/}
    # An alias is not a program.
    type -P -- "$program" >/dev/null || program=joblens
    # The program fails if there is nothing to offer and the word is not the name of a file.
    offered=$("$program" __complete -- "${words[@]}" 2>/dev/null) || return 0
    if [[ -z $offered ]]; then
        compopt -o bashdefault -o default 2>/dev/null
        return 0
    fi
    while IFS=$'\t' read -r value about; do
        rows+=("$value $about")
        value=${value#"$prefix"}
        # Of the characters that need a quote, values have blanks only.
        [[ $word == [\"\']* ]] || value=${value// /\\ }
        COMPREPLY+=("$value")
    done <<<"$offered"
    # A number alone does not show which row it is. Of the candidates that are listed here, none is inserted.
    if [[ $word == %* && ${#rows[@]} -gt 1 && $COMP_TYPE -eq 63 ]]; then
        COMPREPLY=("${rows[@]}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F _joblens joblens
