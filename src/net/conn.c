#include "net/conn_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/peer.h"
#include "net/slots.h"
#include "net/sockaddr.h"

enum { LEFT_CAP = 1024 * 1024 }; /* over what any machine has taken in and not used */
enum { DROPPED_A_TIME = 4096, DROPPED_MOST = 1 << 20 }; /* of who is hung up on */

enum { OWNS_ABOUT = 4096 }; /* what is freed with a connection, its stream's part and all */

static void look(void *arg)
{
    struct conn *c = arg;
    if (peer_look(c->fd) == PEER_GONE)
        conn_ended(c, 0);
    else
        env_arm_ms(&c->net->env, &c->look, CONN_LOOK_MS);
}

static void on_turn(struct conn *c, enum limit_way way)
{
    if (way == LIMIT_READ)
        conn_resume(c);
    else
        conn_output(c);
}

void conn_limit(struct conn *c, struct limit *l, bool is_private)
{
    c->limit = l;
    c->wait.on_turn = on_turn;
    c->wait.conn = c;
    c->wait.is_private = is_private;
}

static void on_connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    c->connecting = false;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error) {
        conn_ended(c, error);
        return;
    }
    event_add(c->read, NULL);
    c->ops->connected(c->machine);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd, (void)what;
    if (conn_is_of_another_process(c))
        return;
    net_touch(c->net);
    if (c->connecting)
        on_connected(c);
    else
        conn_output(c);
}

static void linger_over(void *arg)
{
    conn_ended(arg, 0);
}

bool conn_has_address(const struct conn *c)
{
    return c->connecting || sockaddr_is_ours(c->fd);
}

static void tell_stalled(void *arg, bool stalled)
{
    struct conn *c = arg;
    net_touch(c->net);
    c->ops->stalled(c->machine, stalled);
}

static void tell_failure(void *arg)
{
    struct conn *c = arg;
    conn_ended(c, c->dial_errno);
}

static void conn_free(struct conn *c)
{
    conn_undirty(c);
    if (c->limit)
        limit_leave(c->limit, &c->wait);
    later_cancel(&c->net->env, &c->tell);
    env_disarm(&c->net->env, &c->linger);
    env_disarm(&c->net->env, &c->look);
    stall_end(&c->stall);
    if (c->read)
        event_free(c->read);
    if (c->write)
        event_free(c->write);
    if (c->fd >= 0)
        close(c->fd);
    if (c->ops->free)
        c->ops->free(c->machine);
    buf_free(&c->left);
    c->net->env.queues.tally.given_back += OWNS_ABOUT;
    free(c);
}

/* FD may be -1: then nothing can be polled. */
static struct conn *conn_make(struct net *n, int fd, const struct conn_machine *ops, void *machine)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        if (fd >= 0)
            close(fd);
        if (ops->free)
            ops->free(machine);
        return NULL;
    }
    *c = (struct conn){.net = n, .fd = fd, .ops = ops, .machine = machine};
    buf_init(&c->left, LEFT_CAP);
    later_init(&c->tell, tell_failure, c);
    timer_init(&c->linger, linger_over, c);
    timer_init(&c->look, look, c);
    stall_init(&c->stall, &n->env, fd, tell_stalled, c);
    if (fd >= 0)
        slots_for(n, fd);
    c->read = event_new(n->base, fd, EV_READ | EV_PERSIST, conn_on_readable, c);
    c->write = event_new(n->base, fd, EV_WRITE, on_writable, c);
    if (!c->read || !c->write) {
        conn_free(c);
        return NULL;
    }
    return c;
}

/* Set before connecting, for the window that is offered to the peer depends on it. */
static void constrain(const struct net *n, int fd)
{
    const int *size = &n->sock_bytes;
    if (fd >= 0 && *size &&
        (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, size, sizeof *size) != 0 ||
         setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, sizeof *size) != 0))
        log_warn(n->env.log, "The buffers of a socket could not be set to %d bytes: %s", *size,
                 strerror(errno));
}

struct conn *conn_new(struct net *n, int fd, const struct conn_machine *ops, void *machine)
{
    constrain(n, fd);
    struct conn *c = conn_make(n, fd, ops, machine);
    if (c && event_add(c->read, NULL) != 0) {
        conn_free(c);
        return NULL;
    }
    return c;
}

/* 0, or the error that connecting met at once. */
static int begin_connect(int fd, const struct ipport *to, const struct ip *bind_to)
{
    struct sockaddr_storage ss;
    socklen_t len;
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind_to && bind_to->family == to->ip.family) {
        struct ipport from = {.ip = *bind_to};
        len = sockaddr_of(&from, &ss);
        if (bind(fd, (struct sockaddr *)&ss, len) != 0)
            return errno;
    }
    len = sockaddr_of(to, &ss);
    if (connect(fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS)
        return errno;
    return 0;
}

struct conn *conn_dial(struct net *n, const struct ipport *to, const struct ip *bind,
                       const struct conn_machine *ops, void *machine)
{
    int family = to->ip.family == IP_V6 ? AF_INET6 : AF_INET;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : 0;
    constrain(n, fd);
    if (!error)
        error = begin_connect(fd, to, bind);
    struct conn *c = conn_make(n, fd, ops, machine);
    if (!c)
        return NULL;
    *(to->ip.family == IP_V6 ? &n->counts.dialled_v6 : &n->counts.dialled_v4) += 1;
    net_touch(n);
    c->connecting = true;
    c->dial_errno = error;
    if (error)
        later_ask(&n->env, &c->tell);
    else
        event_add(c->write, NULL);
    return c;
}

err_t conn_hand_over(struct conn *c, const struct conn_machine *ops, void *machine,
                     const uint8_t *left, size_t len)
{
    TRY(buf_add(&c->left, left, len));
    c->ops = ops;
    c->machine = machine;
    conn_resume(c);
    return OK;
}

void conn_close(struct conn *c)
{
    size_t len;
    const uint8_t *bytes;
    if (!c->net->forked && !c->ended && !c->connecting && !c->drained &&
        (bytes = c->ops->out(c->machine, &len)))
        (void)!send(c->fd, bytes, len, MSG_NOSIGNAL);
    conn_free(c);
}

void conn_hang_up(struct conn *c)
{
    uint8_t dropped[DROPPED_A_TIME];
    ssize_t n = c->net->forked || c->connecting ? 0 : 1;
    for (size_t sum = 0; n > 0 && sum < DROPPED_MOST; sum += (size_t)n)
        n = recv(c->fd, dropped, sizeof dropped, 0);
    conn_close(c);
}

void conn_drain(struct conn *c, uint64_t linger_ms, void (*fn)(void *machine))
{
    c->drained = fn;
    if (c->ended) {
        fn(c->machine);
        return;
    }
    event_del(c->read);
    c->linger_ms = linger_ms;
    env_arm_ms(&c->net->env, &c->linger, linger_ms);
    conn_output(c);
}
