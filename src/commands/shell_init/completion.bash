if declare -F _git_agentenv_alone >/dev/null || { declare -F _completion_loader >/dev/null && _completion_loader git-agentenv; declare -F _git_agentenv_alone >/dev/null; }; then
    complete -o bashdefault -o nospace -F _git_agentenv_alone AGENTENV_FUNCTION
fi
