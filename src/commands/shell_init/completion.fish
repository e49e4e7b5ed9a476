complete --command AGENTENV_FUNCTION --wraps git-agentenv
