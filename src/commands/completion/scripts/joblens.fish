# fish completion for joblens

function __joblens_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l token (commandline --current-token --cut-at-cursor)
    set -l word $token
    # The word may be within quotes that are not closed yet, or have blanks behind backslashes.
    if string match --quiet --regex '^["\']' -- "$word"
        set word (string sub --start 2 -- "$word")
    else if set -l plain (string unescape -- "$word")
        set word $plain
    end
    set -l program (string replace --regex '^~/' "$HOME/" -- $words[1])
    # An alias may be neither a program nor a function.
    type --query -- $program; or set program joblens
    set -l candidates ($program __complete -- $words "$word" 2>/dev/null)
    # The program fails if there is nothing to offer and the word is not the name of a file.
    or return
    if set --query candidates[1]
        printf '%s\n' $candidates
    else
        # A file, which fish completes for a command that has no completions of its own.
        complete --do-complete "__fish_command_without_completions $token"
    end
end

complete --command joblens --no-files --keep-order --arguments '(__joblens_complete)'
