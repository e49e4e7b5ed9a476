# Completion of `git agentenv` and `git-agentenv` for fish. The program itself knows the answers.
# It belongs into conf.d: fish looks for completions of `git` in one file only, and that is git's own.

function __git_agentenv_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l place
    if test "$words[1]" = git
        argparse --stop-nonopt (__fish_git_global_optspecs) -- $words[2..]
        or return
        set words $argv
        set -q _flag_C
        and set place -C $_flag_C
    end
    GIT_AGENTENV_COMPLETE=fish command git $place agentenv -- \
        git-agentenv $words[2..] (commandline --current-token) 2>/dev/null
end

complete --command git-agentenv --keep-order --exclusive --arguments '(__git_agentenv_complete)'
complete --command git --condition __fish_git_needs_command --arguments agentenv \
    --description 'Give each branch its own worktree, ports, database and Redis'
complete --command git --keep-order --exclusive --condition '__fish_git_using_command agentenv' \
    --arguments '(__git_agentenv_complete)'
