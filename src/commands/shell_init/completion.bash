_agentenv_loads_completion() {
    declare -F _git_agentenv_alone >/dev/null || _completion_loader git-agentenv
    complete -o bashdefault -o nospace -F _git_agentenv_alone AGENTENV_FUNCTION && return 124
}
if declare -F _completion_loader >/dev/null; then
    complete -o bashdefault -o nospace -F _agentenv_loads_completion AGENTENV_FUNCTION
fi
