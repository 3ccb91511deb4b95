#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/later.h"
#include "net/clock.h"
#include "net/conn_int.h"
#include "net/limit.h"
#include "net/net_int.h"
#include "net/peer.h"
#include "net/sockaddr.h"
#include "net/stall.h"

/* One wake-up reads at most so often from one socket, so that a fast peer does not starve others.
 */
enum { READS_A_TURN = 4 };

/* Who has been read for so many turns, without so long a pause, is in a hurry. */
enum { TURNS_KEPT = 16, PAUSE_MS = 100 };

enum { LEFT_CAP = 1024 * 1024 }; /* over what any machine has taken in and not used */

enum { OWNS_ABOUT = 4096 }; /* what is freed with a connection, its stream's part and all */

enum { LOOK_MS = 1000 }; /* between two looks at a peer that sends no more */

struct conn {
    struct net *net;
    int fd;
    const struct conn_machine *ops;
    void *machine;
    struct event *read, *write;
    bool connecting, ended, is_dirty;
    bool eof;         /* nothing more is read, but what there is may be written */
    unsigned turns;   /* since the last pause */
    uint64_t read_us; /* when the last one was */
    int dial_errno;
    struct buf left; /* received by the machine before this one, which had no use for it */
    void (*drained)(void *machine); /* set: draining */
    uint64_t linger_ms;             /* draining goes on while something was sent in this time */
    struct timer linger;
    struct later tell; /* tells that dialling failed at once */
    struct timer look; /* looks for the peer after its last byte */
    struct stall stall;
    struct limit *limit; /* NULL: none */
    struct limit_wait wait;
    struct conn *dirty_prev, *dirty_next;
};

void conn_undirty(struct conn *c)
{
    if (!c->is_dirty)
        return;
    DL_DELETE2(c->net->dirty, c, dirty_prev, dirty_next);
    c->is_dirty = false;
}

void conn_output(struct conn *c)
{
    net_touch(c->net);
    if (c->is_dirty || c->connecting || c->ended || event_pending(c->write, EV_WRITE, NULL))
        return;
    DL_APPEND2(c->net->dirty, c, dirty_prev, dirty_next);
    c->is_dirty = true;
}

void conn_resume(struct conn *c)
{
    if (c->connecting || c->ended || c->drained)
        return;
    if (!c->eof)
        event_add(c->read, NULL);
    if (c->left.len)
        event_active(c->read, EV_READ, 0);
}

static void ended(struct conn *c, int errno_)
{
    if (c->ended)
        return;
    c->ended = true;
    env_disarm(&c->net->env, &c->look);
    stall_end(&c->stall);
    event_del(c->read);
    event_del(c->write);
    conn_undirty(c);
    if (c->drained)
        c->drained(c->machine);
    else
        c->ops->in_end(c->machine, errno_);
}

static void look(void *arg)
{
    struct conn *c = arg;
    if (peer_look(c->fd) == PEER_GONE)
        ended(c, 0);
    else
        env_arm_ms(&c->net->env, &c->look, LOOK_MS);
}

/* The peer has closed its sending side. */
static void read_eof(struct conn *c)
{
    enum peer_state peer = c->ops->in_eof ? peer_look(c->fd) : PEER_GONE;
    if (peer == PEER_GONE) {
        ended(c, 0);
        return;
    }
    c->eof = true;
    event_del(c->read);
    if (peer == PEER_READS)
        env_arm_ms(&c->net->env, &c->look, LOOK_MS);
    c->ops->in_eof(c->machine, peer == PEER_READS);
}

static bool would_block(int errno_)
{
    return errno_ == EAGAIN || errno_ == EWOULDBLOCK || errno_ == EINTR;
}

/* Cuts *LEN to what may go now; false: nothing, and C waits. */
static bool may_go(struct conn *c, enum limit_way way, size_t *len)
{
    if (c->limit)
        *len = limit_ask(c->limit, way, *len, &c->wait);
    return *len > 0;
}

static void spend(struct conn *c, enum limit_way way, size_t n)
{
    if (c->limit)
        limit_spend(c->limit, way, n, &c->wait);
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

void conn_flush(struct conn *c)
{
    size_t len;
    const uint8_t *bytes;
    while (!c->ended && (bytes = c->ops->out(c->machine, &len))) {
        if (!may_go(c, LIMIT_WRITE, &len))
            return;
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && would_block(errno)) {
            event_add(c->write, NULL);
            return;
        }
        if (n < 0) {
            /* What the peer sent before it went is still to be read: reading ends C. A connection
             * that does not read ends here. */
            if (c->drained || !event_pending(c->read, EV_READ, NULL))
                ended(c, errno);
            return;
        }
        c->net->counts.written += (size_t)n;
        clock_read(&c->net->env); /* the receiver may have had the processor meanwhile */
        spend(c, LIMIT_WRITE, (size_t)n);
        if (c->ops->stalled)
            stall_sent(&c->stall);
        c->ops->sent(c->machine, (size_t)n);
        if (c->drained) /* slow, but alive: all of it is for the reader */
            env_arm_ms(&c->net->env, &c->linger, c->linger_ms);
        if ((size_t)n < len) {
            event_add(c->write, NULL);
            return;
        }
    }
    if (!c->ended && c->drained)
        ended(c, 0);
}

/* After fork() the bytes are the other process's, both ways. */
static bool is_of_another_process(struct conn *c)
{
    if (!net_is_forked(c->net))
        return false;
    event_del(c->read);
    event_del(c->write);
    return true;
}

/* Whether all that was left is given: what comes from the socket is behind it. */
static bool give_left(struct conn *c)
{
    while (c->left.len && !c->ended && !c->drained) {
        size_t room;
        uint8_t *to = c->ops->in_room(c->machine, &room);
        if (!to)
            return false;
        room = room < c->left.len ? room : c->left.len;
        memcpy(to, buf_at(&c->left), room);
        buf_drain(&c->left, room);
        c->ops->in_done(c->machine, room);
    }
    return true;
}

/* What there is, up to MOST bytes of it; 0: no more in this turn. */
static size_t read_once(struct conn *c, size_t most)
{
    size_t room;
    uint8_t *to = c->ops->in_room(c->machine, &room);
    if (to && room > most)
        room = most;
    if (!to || !may_go(c, LIMIT_READ, &room)) {
        event_del(c->read);
        return 0;
    }
    ssize_t n = recv(c->fd, to, room, 0);
    if (n > 0) {
        c->net->counts.read += (size_t)n;
        spend(c, LIMIT_READ, (size_t)n);
        c->ops->in_done(c->machine, (size_t)n);
    } else if (n == 0)
        read_eof(c);
    else if (!would_block(errno))
        ended(c, errno);
    return n < 0 || (size_t)n < room ? 0 : (size_t)n;
}

static size_t turn_of(struct conn *c)
{
    uint64_t now_us = c->net->env.mono_us;
    if (now_us - c->read_us > PAUSE_MS * (uint64_t)US_PER_MS)
        c->turns = 0;
    c->read_us = now_us;
    return c->ops->turn && c->turns++ < TURNS_KEPT ? c->ops->turn : SIZE_MAX;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd, (void)what;
    if (is_of_another_process(c))
        return;
    net_touch(c->net);
    if (!give_left(c)) {
        event_del(c->read);
        return;
    }
    size_t left = turn_of(c), n = 1;
    for (int i = 0; i < READS_A_TURN && left && n; i++) {
        if (c->left.len || c->ended || c->eof || c->drained)
            return;
        n = read_once(c, left);
        left -= n;
    }
}

static void on_connected(struct conn *c)
{
    int error = 0;
    socklen_t len = sizeof error;
    c->connecting = false;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error) {
        ended(c, error);
        return;
    }
    event_add(c->read, NULL);
    c->ops->connected(c->machine);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd, (void)what;
    if (is_of_another_process(c))
        return;
    net_touch(c->net);
    if (c->connecting)
        on_connected(c);
    else
        conn_output(c);
}

static void linger_over(void *arg)
{
    ended(arg, 0);
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
    ended(c, c->dial_errno);
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
    c->read = event_new(n->base, fd, EV_READ | EV_PERSIST, on_readable, c);
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
