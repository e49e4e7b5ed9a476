# shellcheck shell=bash
# `git agentenv`, and the directory that `add`, `path` and `remove` lead to.
AGENTENV_FUNCTION() {
    case " $* " in
        *' add '* | *' path '* | *' remove '*) ;;
        *)
            command git agentenv "$@"
            return
            ;;
    esac
    local file dir code=0
    file=$(command mktemp "${TMPDIR:-/tmp}/agentenv.XXXXXX") || return
    AGENTENV_CD_FILE=$file command git agentenv "$@" || code=$?
    dir=$(command cat -- "$file" && printf .) || dir=.
    command rm -f -- "$file"
    dir=${dir%.}
    if [ -n "$dir" ]; then
        builtin cd -- "$dir" || return
    fi
    return "$code"
}
