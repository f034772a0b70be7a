# fish completion for joblens

function __joblens_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l word (commandline --current-token --cut-at-cursor)
    $words[1] __complete -- $words "$word" 2>/dev/null
end

complete --command joblens --no-files --keep-order --arguments '(__joblens_complete)'
