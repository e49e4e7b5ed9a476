if (( $+functions[compdef] )); then
    compdef _git-agentenv AGENTENV_FUNCTION
fi
