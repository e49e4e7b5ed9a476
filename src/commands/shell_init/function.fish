# `git agentenv`, and the directory that `add`, `path`, `remove` and `switch` lead to.
function AGENTENV_FUNCTION --description 'git agentenv, and go there'
    set -l leads
    for word in add path remove rm switch
        contains -- $word $argv; and set leads 1
    end
    if test -z "$leads"
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
        set -l left $PWD
        builtin cd -- $dir; or return
        test "$left" = "$PWD"; or set -gx AGENTENV_PREVIOUS $left
    end
    return $code
end
