# Types each line that is given into an interactive zsh, asks for completion, and prints what the line
# is then and all that was offered, a line each, between marks.
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1='' PS2='' PROMPT_EOL_MARK='' RPS1=''; fpath=($HOME/functions \$fpath)
autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-prompt ''; stty -echo
zstyle ':completion:*' completer _complete _another
_another() { : > \$HOME/another; return 1 }
show() { zle complete-word; print -r -- \"LINE<\$BUFFER>THE_\"\"END\" }
zle -N show; bindkey '^X' show
compadd() {
    if (( \${@[(I)-O]} || \${@[(I)-A]} || \${@[(I)-D]} )); then builtin compadd \"\$@\"; return; fi
    local -a offered; builtin compadd -O offered \"\$@\"
    print -rl -- \$offered >> $HOME/offered; builtin compadd \"\$@\"
}
print READY_\"\"NOW"
zpty -r z out '*READY_NOW*'
for line in "$@"; do
    : > ~/offered
    zpty -w -n z $'\x15'"$line"$'\x18'
    zpty -r z out '*THE_END*'
    print -r -- "$out"
    print -rl -- "OFFERED<" "$(< ~/offered)" ">ALL_OF_IT"
done
[[ -e ~/another ]] && print ANOTHER_COMPLETER_RAN
zpty -d z
