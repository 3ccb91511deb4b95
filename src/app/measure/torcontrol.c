#include "app/measure/torcontrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cookiefile.h"
#include "net/conn.h"

enum { READ_MOST = 4096 };

struct torcontrol {
    const struct torcontrol_ops *ops;
    void *arg;
    struct torbw bw;
    struct conn *conn;
    bool over;
    struct ipport at;
    uint8_t in[READ_MOST];
};

static void end(struct torcontrol *t, const char *why)
{
    if (t->over)
        return;
    t->over = true;
    t->ops->on_end(t->arg, why);
}

/* ---- what torbw asks and tells ---- */

static bool cookie(void *arg, const char *path, uint8_t out[TORBW_COOKIE_LEN])
{
    (void)arg;
    return cookiefile_read(path, out) == OK;
}

static void on_ready(void *arg)
{
    struct torcontrol *t = arg;
    t->ops->on_ready(t->arg);
}

static void on_bw(void *arg, uint64_t read, uint64_t written)
{
    struct torcontrol *t = arg;
    t->ops->on_bw(t->arg, read, written);
}

static const struct torbw_ops torbw_ops = {cookie, on_ready, on_bw};

/* ---- the socket ---- */

static uint8_t *in_room(void *machine, size_t *room)
{
    struct torcontrol *t = machine;
    *room = sizeof t->in;
    return t->over ? NULL : t->in;
}

static void in_done(void *machine, size_t len)
{
    struct torcontrol *t = machine;
    if (torbw_feed(&t->bw, t->in, len) != OK)
        end(t, t->bw.why);
    else if (t->bw.out.len)
        conn_output(t->conn);
}

static void in_end(void *machine, int errno_)
{
    const struct torcontrol *t = machine;
    char why[TORBW_WHY_MAX], at[IPPORT_TEXT_MAX];
    snprintf(why, sizeof why,
             "tor's control port %s: %s: has that tor \"ControlPort %u\" in its torrc?",
             ipport_text(&t->at, at), errno_ ? strerror(errno_) : "it closed the connection",
             (unsigned)t->at.port);
    end(machine, why);
}

static const uint8_t *out(void *machine, size_t *len)
{
    struct torcontrol *t = machine;
    *len = t->bw.out.len;
    return *len ? buf_at(&t->bw.out) : NULL;
}

static void sent(void *machine, size_t len)
{
    buf_drain(&((struct torcontrol *)machine)->bw.out, len);
}

static void connected(void *machine)
{
    conn_output(((struct torcontrol *)machine)->conn);
}

static const struct conn_machine machine = {.in_room = in_room,
                                            .in_done = in_done,
                                            .in_end = in_end,
                                            .out = out,
                                            .sent = sent,
                                            .connected = connected};

struct torcontrol *torcontrol_new(struct net *n, const struct ipport *at,
                                  const struct torcontrol_ops *ops, void *arg)
{
    struct torcontrol *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->ops = ops;
    t->arg = arg;
    t->at = *at;
    torbw_init(&t->bw, net_env(n), &torbw_ops, t);
    t->conn = conn_dial(n, at, NULL, &machine, t);
    if (!t->conn) {
        torcontrol_free(t);
        return NULL;
    }
    return t;
}

void torcontrol_free(struct torcontrol *t)
{
    if (!t)
        return;
    if (t->conn)
        conn_close(t->conn);
    torbw_free(&t->bw);
    free(t);
}
