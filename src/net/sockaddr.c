#include "net/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

socklen_t sockaddr_of(const struct ipport *ap, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (ap->ip.family == IP_V6) {
        struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)out;
        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(ap->port);
        memcpy(&sin6->sin6_addr, ap->ip.b, 16);
        return sizeof *sin6;
    }
    struct sockaddr_in *sin = (struct sockaddr_in *)out;
    sin->sin_family = AF_INET;
    sin->sin_port = htons(ap->port);
    memcpy(&sin->sin_addr, ap->ip.b, 4);
    return sizeof *sin;
}

struct ipport sockaddr_to_ipport(const struct sockaddr_storage *ss)
{
    struct ipport ap = {.port = 0};
    uint8_t b[16];
    if (ss->ss_family == AF_INET) {
        const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
        memcpy(b, &sin->sin_addr, 4);
        ap = (struct ipport){ip_v4(b), ntohs(sin->sin_port)};
    } else if (ss->ss_family == AF_INET6) {
        const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
        memcpy(b, &sin6->sin6_addr, 16);
        ap = (struct ipport){ip_v6(b), ntohs(sin6->sin6_port)};
    }
    return ap;
}

/* A socket can be bound to an address that this computer has, and to no other. */
bool sockaddr_is_ours(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
        return true;
    struct ipport mine = sockaddr_to_ipport(&ss);
    mine.port = 0;
    int other = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (other < 0)
        return true;
    len = sockaddr_of(&mine, &ss);
    bool gone = bind(other, (struct sockaddr *)&ss, len) != 0 && errno == EADDRNOTAVAIL;
    close(other);
    return !gone;
}
