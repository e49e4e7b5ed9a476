# `git agentenv`, and the directory that `add`, `path` and `remove` lead to.
function AGENTENV_FUNCTION --description 'git agentenv, and go there'
    if not contains -- add $argv; and not contains -- path $argv; and not contains -- remove $argv
        command git agentenv $argv
        return
    end
    set -l parent /tmp
    set -q TMPDIR; and set parent $TMPDIR
    set -l file (command mktemp $parent/agentenv.XXXXXX); or return
    AGENTENV_CD_FILE=$file command git agentenv $argv
    set -l code $status
    set -l dir (command cat -- $file | string collect --no-trim-newlines)
    command rm -f -- $file
    if test -n "$dir"
        builtin cd -- $dir; or return
    end
    return $code
end
