#!/bin/sh
# Forwards every connection to port $1 to port $3 of host $2, with what the image has.
if command -v socat >/dev/null; then
    exec socat "TCP-LISTEN:$1,fork,reuseaddr" "TCP:$2:$3"
elif command -v perl >/dev/null; then
    exec perl -MIO::Socket::INET -e '
        my ($port, $host, $to) = @ARGV;
        $SIG{CHLD} = "IGNORE";
        my $door = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1) or die "$!\n";
        while (1) {
            my $client = $door->accept or next;
            next if fork;
            close $door;
            my $server = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $to) or die "$host: $!\n";
            my ($from, $into) = fork ? ($client, $server) : ($server, $client);
            while (sysread $from, my $data, 65536) {
                while (length $data) {
                    my $written = syswrite $into, $data or exit;
                    substr($data, 0, $written) = "";
                }
            }
            shutdown $into, 1;
            exit;
        }' "$@"
elif nc --help 2>&1 | grep -q BusyBox; then
    # BusyBox has two programs of that name: one listens on and on with -ll, the other with -lk.
    case $(nc --help 2>&1) in *-ll*) again=-ll ;; *) again=-lk ;; esac
    exec nc "$again" -p "$1" -e nc "$2" "$3"
fi
echo "this image has no socat, no perl and no BusyBox nc to forward connections with" >&2
exit 127
