# Completion of `git agentenv` and `git-agentenv` for bash. The program itself knows the answers.
# shellcheck shell=bash
# shellcheck disable=SC2154 # what git's completion sets

# Called by git's own completion, which has set words, cword, __git_cmd_idx and __git_C_args.
_git_agentenv() {
    _git_agentenv_ask "${words[@]:__git_cmd_idx+1:cword-__git_cmd_idx}"
}

_git_agentenv_alone() {
    # shellcheck disable=SC2034
    local cur prev words cword
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: cur prev words cword
    else
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
    fi
    _git_agentenv_ask "${words[@]:1:cword}"
}

# Takes the words after the command's name, the one at the cursor last.
_git_agentenv_ask() {
    local at=${!#} kept line word
    # Readline replaces only what follows the last of these characters.
    kept=${at%"${at##*[=:]}"}
    COMPREPLY=()
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        printf -v word %q "${word#"$kept"}"
        [[ $word == *[=/:] ]] || word+=' '
        COMPREPLY+=("$word")
    done < <(
        GIT_AGENTENV_COMPLETE=bash git ${__git_C_args[@]+"${__git_C_args[@]}"} agentenv \
            -- git-agentenv "$@" 2>/dev/null
    )
}

complete -o bashdefault -o nospace -F _git_agentenv_alone git-agentenv
