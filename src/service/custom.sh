#!/bin/sh
# Creates, looks for or drops ($1) the thing named $2 by the commands $3 to $5 of a service of the kind custom. $6 is the
# word that our own marks carry; $7 is not empty when the lease proves that the thing is ours.
what=$1 name=$2 create=$3 exists=$4 drop=$5 word=$6 proven=$7
mark=${TMPDIR:-/tmp}/agentenv-$word

answer() {
    echo "agentenv: $*"
    exit 0
}

# 0: there is one of this name; 1: there is none; 2: the command failed, which says neither.
find_names() {
    names=$(sh -c "$exists") || return 2
    case "
$names
" in *"
$name
"*) return 0 ;; esac
    return 1
}

is_there() {
    find_names
    found=$?
    [ "$found" != 2 ] || answer failed find
    return "$found"
}

# An `add` that was killed: its command goes on without it.
is_being_created() {
    for process in /proc/[0-9]*; do
        if grep -qszF "agentenv-create-$word" "$process/cmdline"; then return 0; fi
    done
    return 1
}

# Another environment, perhaps of another user, created or is creating the thing of this name.
is_claimed() {
    for other in "${mark%"$word"}"*; do
        [ "$other" != "$mark" ] && [ "$(cat "$other" 2>/dev/null)" = "$name" ] && return 0
    done
    return 1
}

# A mark without this name, such as one that a full disk left empty, says nothing.
is_ours() { [ "$(cat "$mark" 2>/dev/null)" = "$name" ] || { [ -n "$proven" ] && ! is_claimed; }; }

# An answer has begun: a command may take its time.
echo begun

if [ "$what" = create ]; then
    if is_there; then
        if is_ours; then answer ours; else answer foreign; fi
    fi
    printf '%s\n' "$name" >"$mark" || answer failed mark
    if is_claimed; then
        rm -f "$mark"
        answer foreign
    fi
    sh -c "$create" >&2 && answer made
    find_names
    found=$?
    # Such as after the end of the server: the mark stays for the next look.
    [ "$found" != 2 ] || answer failed create unseen
    # What is there now, or comes later, another client may have created since the look: it is nobody's to drop.
    rm -f "$mark"
    [ "$found" = 1 ] || answer failed create beside
    answer failed create
fi

tries=0
while is_being_created; do
    tries=$((tries + 1))
    [ "$tries" -le 10 ] || answer busy
    sleep 1
done
if ! is_there; then
    [ "$what" = look ] || rm -f "$mark"
    answer missing
fi
is_ours || answer foreign
[ "$what" = drop ] || answer ours
sh -c "$drop" >&2 || answer failed drop
rm -f "$mark"
answer dropped
