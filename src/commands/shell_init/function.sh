# shellcheck shell=bash
# `git agentenv`, and the directory that `add`, `path`, `remove` and `switch` lead to.
AGENTENV_FUNCTION() {
    case " $* " in
        *' add '* | *' path '* | *' remove '* | *' rm '* | *' switch '*) ;;
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
        local left=$PWD
        builtin cd -- "$dir" || return
        [ "$left" = "$PWD" ] || export AGENTENV_PREVIOUS="$left"
    fi
    return "$code"
}
