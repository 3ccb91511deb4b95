#include "app/lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/buf.h"
#include "net/listen.h"
#include "net/talks.h"

struct lines {
    const struct lines_kind *kind;
    void *arg;
    struct talks *talks;
    struct listener *listener;
    struct lines_caller *callers;
    size_t n_callers;
};

struct lines_caller {
    struct lines *lines;
    const struct talk_ops *ops;
    void *holder;
    struct buf in, out;
    bool ended;
    struct lines_caller *next;
    max_align_t own[];
};

void *lines_own(struct lines_caller *c)
{
    return c->own;
}

void lines_each(struct lines *l, void (*fn)(void *arg, struct lines_caller *c), void *arg)
{
    for (struct lines_caller *c = l->callers; c; c = c->next)
        fn(arg, c);
}

static void send_away(struct lines_caller *c)
{
    if (!c->ended)
        c->ops->on_end(c->holder);
    c->ended = true;
}

void lines_say(struct lines_caller *c, struct text text)
{
    bool has_end = text.len && text.s[text.len - 1] == '\n';
    if (c->ended)
        return;
    if (buf_add(&c->out, text.s, text.len) != OK || (!has_end && buf_add(&c->out, "\n", 1) != OK))
        send_away(c);
    else
        c->ops->on_output(c->holder);
}

size_t lines_waiting(const struct lines_caller *c)
{
    return c->out.len;
}

/* ---- the machine of a connection ---- */

static void *make(void *lines, const struct ipport *peer, const struct talk_ops *ops, void *holder)
{
    struct lines *l = lines;
    struct lines_caller *c = NULL;
    (void)peer;
    if (l->n_callers < LINES_CALLERS_MOST)
        c = calloc(1, sizeof *c + l->kind->own_size);
    if (!c)
        return NULL;
    c->lines = l;
    c->ops = ops;
    c->holder = holder;
    c->next = l->callers;
    buf_init(&c->in, l->kind->line_most);
    buf_init(&c->out, l->kind->answers_most);
    l->callers = c;
    l->n_callers++;
    return c;
}

static void caller_free(void *caller)
{
    struct lines_caller *c = caller, **at = &c->lines->callers;
    if (c->lines->kind->gone)
        c->lines->kind->gone(c->lines->arg, c);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->lines->n_callers--;
    buf_free(&c->in);
    buf_free(&c->out);
    free(c);
}

static uint8_t *in_room(void *caller, size_t *room)
{
    struct lines_caller *c = caller;
    *room = c->ended ? 0 : buf_space(&c->in);
    return *room ? buf_room(&c->in, *room) : NULL;
}

static void in_done(void *caller, size_t len)
{
    struct lines_caller *c = caller;
    const uint8_t *end;
    buf_commit(&c->in, len);
    while (!c->ended && (end = memchr(buf_at(&c->in), '\n', c->in.len))) {
        struct text line = {(const char *)buf_at(&c->in), (size_t)(end - buf_at(&c->in))};
        c->lines->kind->obey(c->lines->arg, c, line);
        buf_drain(&c->in, line.len + 1);
    }
    if (!buf_space(&c->in)) /* no line is so long */
        send_away(c);
}

static const uint8_t *out(void *caller, size_t *len)
{
    struct lines_caller *c = caller;
    *len = c->out.len;
    return *len ? buf_at(&c->out) : NULL;
}

static void sent(void *caller, size_t len)
{
    struct lines_caller *c = caller;
    buf_drain(&c->out, len);
    if (c->lines->kind->sent)
        c->lines->kind->sent(c->lines->arg, c);
}

static const struct talk_kind caller_talk = {.make = make,
                                             .in_room = in_room,
                                             .in_done = in_done,
                                             .out = out,
                                             .sent = sent,
                                             .free = caller_free};

static void on_accept(void *talks, int fd, const struct ipport *peer)
{
    talks_accept(talks, fd, peer, NULL);
}

err_t lines_open(struct net *n, const struct lines_kind *kind, const char *path, void *arg,
                 struct lines **out_)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return ERR_LIMIT;
    struct lines *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    *l = (struct lines){.kind = kind, .arg = arg};
    const struct port_at at = {.unix_path = path};
    l->talks = talks_new(n, &caller_talk, l);
    err_t e =
        l->talks ? listener_open(n, kind->what, &at, on_accept, l->talks, &l->listener) : ERR_NOMEM;
    if (e == OK)
        *out_ = l;
    else
        lines_close(l);
    return e;
}

void lines_close(struct lines *l)
{
    if (!l)
        return;
    talks_free(l->talks);
    listener_close(l->listener);
    free(l);
}
