# Reads src/LAYERS, then every source file; prints each include that climbs up the stack.
# usage: awk -f src/layers.awk src/LAYERS FILE...
FILENAME ~ /LAYERS$/ {
    if ($0 ~ /^[a-z]+:/) {
        layer = substr($1, 1, length($1) - 1)
        known[layer] = 1
        ok[layer, layer] = 1
        for (i = 2; i <= NF; i++)
            ok[layer, $i] = 1
    }
    next
}
/^#include "[a-z]+\// {
    split(FILENAME, path, "/")
    from = path[2]
    to = $2
    sub(/^"/, "", to)
    sub(/\/.*/, "", to)
    if (known[to] && !ok[from, to]) {
        printf "%s:%d: layer %s may not include %s\n", FILENAME, FNR, from, to
        bad++
    }
}
# Third-party headers have one home each.
/^#include <(openssl|sodium)/ && FILENAME !~ /^src\/crypto\// && FILENAME !~ /^src\/link\/tls/ {
    printf "%s:%d: OpenSSL and libsodium are seen by src/crypto and src/link/tls only\n", FILENAME, FNR
    bad++
}
/^#include <event2/ && FILENAME !~ /^src\/((net|testbed)\/|app\/fetch\/httpget)/ {
    printf "%s:%d: libevent is seen by src/net, src/testbed and src/app/fetch/httpget.c only\n", FILENAME, FNR
    bad++
}
/^#include <n?curses/ && FILENAME !~ /^src\/app\/ctl\/top/ {
    printf "%s:%d: ncurses is seen by src/app/ctl/top*.c only\n", FILENAME, FNR
    bad++
}
# Files, sockets, users and processes are those layers' that touch the world. (sys/auxv.h says what
# the processor can do.)
!/^#include <sys\/auxv.h>/ && /^#include <(dirent|fcntl|glob|grp|ifaddrs|net|netinet|poll|pwd|signal|spawn|sys)[\/.]/ && FILENAME !~ /^src\/(net|host|testbed|lib|app)\// {
    printf "%s:%d: files, sockets and processes are seen by src/net, src/host, src/testbed, src/lib and src/app only\n", FILENAME, FNR
    bad++
}
END { exit bad > 0 }
