/* Reading of a connection's socket: how much in one turn, and when it may wait. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/conn_int.h"
#include "net/limit.h"
#include "net/peer.h"

/* One wake-up reads at most so often from one socket, so that a fast peer does not starve others.
 */
enum { READS_A_TURN = 4 };

/* Who has been read for so many turns, without so long a pause, is in a hurry. */
enum { TURNS_KEPT = 16, PAUSE_MS = 100 };

/* Who is in a hurry, and brought so much in one turn or has the machine hold so much output, rests:
 * is read again when the machine gives that out. What comes until then cannot be answered earlier,
 * and comes in one piece. */
enum { REST_LEAST = 16 * 1024 };

/* The peer has closed its sending side. */
static void read_eof(struct conn *c)
{
    enum peer_state peer = c->ops->in_eof ? peer_look(c->fd) : PEER_GONE;
    if (peer == PEER_GONE) {
        conn_ended(c, 0);
        return;
    }
    c->eof = true;
    event_del(c->read);
    if (peer == PEER_READS)
        env_arm_ms(&c->net->env, &c->look, CONN_LOOK_MS);
    c->ops->in_eof(c->machine, peer == PEER_READS);
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
    if (!to || !conn_may_go(c, LIMIT_READ, &room)) {
        event_del(c->read);
        return 0;
    }
    ssize_t n = recv(c->fd, to, room, 0);
    if (n > 0) {
        c->net->counts.read += (size_t)n;
        conn_spend(c, LIMIT_READ, (size_t)n);
        c->ops->in_done(c->machine, (size_t)n);
    } else if (n == 0)
        read_eof(c);
    else if (!conn_would_block(errno))
        conn_ended(c, errno);
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

/* -> how much was read */
static size_t read_turn(struct conn *c)
{
    size_t turn = turn_of(c), left = turn, n = 1;
    uint64_t before = c->net->counts.read;
    for (int i = 0; i < READS_A_TURN && left && n; i++) {
        if (c->left.len || c->ended || c->eof || c->drained)
            break;
        n = read_once(c, left);
        left -= n;
    }
    return (size_t)(c->net->counts.read - before);
}

void conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;
    (void)fd, (void)what;
    if (conn_is_of_another_process(c))
        return;
    net_touch(c->net);
    if (!give_left(c)) {
        event_del(c->read);
        return;
    }
    size_t n = read_turn(c);
    if (c->ops->held && c->turns > TURNS_KEPT && !c->ended &&
        n + c->ops->held(c->machine) >= REST_LEAST)
        conn_mark_dirty(c);
}

void conn_rest(struct conn *c)
{
    if (c->ended || c->eof || c->limit || !event_pending(c->read, EV_READ, NULL) ||
        event_pending(c->write, EV_WRITE, NULL) || !c->ops->held(c->machine))
        return;
    event_del(c->read);
    c->rests = true;
}

void conn_end_rest(struct conn *c)
{
    c->rests = false;
    event_add(c->read, NULL);
    read_turn(c);
}
