#include "net/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"

#ifdef __linux__
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

/* sock_diag(7): asks the kernel for the socket that is at AT and connected to TO. */
struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 req;
};

struct answer {
    struct nlmsghdr head;
    union {
        struct nlmsgerr error;
        struct inet_diag_msg found;
    } u;
    uint8_t more[512]; /* attributes */
};

static struct question question_for(const struct ipport *at, const struct ipport *to)
{
    struct question q = {
        .head = {.nlmsg_len = sizeof q,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .req = {.sdiag_family = at->ip.family == IP_V6 ? AF_INET6 : AF_INET,
                .sdiag_protocol = IPPROTO_TCP,
                .idiag_states = UINT32_MAX,
                .id = {.idiag_sport = htons(at->port),
                       .idiag_dport = htons(to->port),
                       .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    memcpy(q.req.id.idiag_src, at->ip.b, ip_len(&at->ip));
    memcpy(q.req.id.idiag_dst, to->ip.b, ip_len(&to->ip));
    return q;
}

/* A socket that no program holds any more has no inode. */
static enum peer_state judge(const struct answer *a, size_t len, const struct ipport *at)
{
    if (len >= NLMSG_LENGTH(sizeof a->u.found) && a->head.nlmsg_type == SOCK_DIAG_BY_FAMILY)
        return a->u.found.idiag_inode ? PEER_READS : PEER_GONE;
    /* Loopback is this namespace's own: what is not found there is nowhere. */
    if (len >= NLMSG_LENGTH(sizeof a->u.error) && a->head.nlmsg_type == NLMSG_ERROR &&
        a->u.error.error == -ENOENT && ip_is_loopback(&at->ip))
        return PEER_GONE;
    return PEER_UNKNOWN;
}

static enum peer_state look_up(const struct ipport *at, const struct ipport *to)
{
    struct question q = question_for(at, to);
    struct answer a;
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return PEER_UNKNOWN;
    ssize_t len = -1;
    if (send(fd, &q, sizeof q, 0) == (ssize_t)sizeof q)
        len = recv(fd, &a, sizeof a, MSG_DONTWAIT); /* it is answered inside send() */
    close(fd);
    return len > 0 ? judge(&a, (size_t)len, at) : PEER_UNKNOWN;
}
#else
static enum peer_state look_up(const struct ipport *at, const struct ipport *to)
{
    (void)at, (void)to;
    return PEER_UNKNOWN;
}
#endif

/* A unix socket's end tells by itself. */
static enum peer_state look_at_unix(int fd)
{
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) ? PEER_GONE : PEER_READS;
}

enum peer_state peer_look(int fd)
{
    struct sockaddr_storage ours, theirs;
    socklen_t ours_len = sizeof ours, theirs_len = sizeof theirs;
    if (getsockname(fd, (struct sockaddr *)&ours, &ours_len) != 0)
        return PEER_UNKNOWN;
    if (ours.ss_family == AF_UNIX)
        return look_at_unix(fd);
    if (getpeername(fd, (struct sockaddr *)&theirs, &theirs_len) != 0)
        return PEER_GONE;
    struct ipport at = sockaddr_to_ipport(&theirs), to = sockaddr_to_ipport(&ours);
    enum peer_state state = look_up(&at, &to);
    /* A kernel that lacks sock_diag's part for TCP finds no socket, not even ours. */
    return state == PEER_GONE && look_up(&to, &at) != PEER_READS ? PEER_UNKNOWN : state;
}
