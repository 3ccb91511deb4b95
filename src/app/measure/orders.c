#include "app/measure/orders.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/buf.h"
#include "measure/results.h"
#include "net/listen.h"
#include "net/talks.h"

enum { LINE_MOST = 64 * 1024, ANSWERS_CAP = 8 << 20, CALLERS_MOST = 64, WAITED_MOST = 1024 };
enum { RESULTS_DAYS = 8 };

struct orders {
    struct net *net;
    struct coordinator *coordinator;
    struct resultsdir *results;
    void (*shutdown)(void *arg);
    void *arg;
    struct talks *talks;
    struct listener *listener;
    struct caller *callers;
    size_t n_callers;
};

/* The machine of one connection. */
struct caller {
    struct orders *orders;
    const struct talk_ops *ops;
    void *holder;
    struct buf in, out;
    uint32_t waited[WAITED_MOST]; /* measurements whose events it gets */
    size_t n_waited;
    bool ended;
    struct caller *next;
};

/* ---- answers ---- */

/* Who asks and does not read is no caller any more. */
static void say(struct caller *c, const char *json)
{
    if (c->ended)
        return;
    if (buf_add(&c->out, json, strlen(json)) != OK || buf_add(&c->out, "\n", 1) != OK) {
        c->ended = true;
        c->ops->on_end(c->holder);
        return;
    }
    c->ops->on_output(c->holder);
}

static void say_object(struct caller *c, json_t *gift_object)
{
    char *json = gift_object ? json_dumps(gift_object, JSON_COMPACT) : NULL;
    say(c, json ? json : "{\"event\":\"error\",\"why\":\"out of memory\"}");
    json_decref(gift_object);
    free(json);
}

static void say_end(struct caller *c)
{
    say(c, "{\"event\":\"end\"}");
}

static void say_error(struct caller *c, const char *why)
{
    say_object(c, json_pack("{ssss}", "event", "error", "why", why));
    say_end(c);
}

static void say_text(struct caller *c, char *gift_json)
{
    say(c, gift_json ? gift_json : "{\"event\":\"error\",\"why\":\"out of memory\"}");
    free(gift_json);
    say_end(c);
}

/* ---- orders ---- */

static err_t begin_one(struct caller *c, const json_t *order, const char *relay, uint32_t *id,
                       char why[COORDINATOR_WHY])
{
    json_int_t dur = json_integer_value(json_object_get(order, "dur"));
    json_int_t prior = json_integer_value(json_object_get(order, "prior"));
    const char *mode = json_string_value(json_object_get(order, "mode"));
    struct coordinator_wish wish = {
        .dur = dur > 0 && dur <= MSG_DUR_MOST ? (unsigned)dur : 0,
        .prior = prior > 0 ? (uint64_t)prior : 0,
    };
    snprintf(why, COORDINATOR_WHY, "dur is 0, for the usual, to %d", MSG_DUR_MOST);
    if (dur < 0 || dur > MSG_DUR_MOST)
        return ERR_ARG;
    snprintf(why, COORDINATOR_WHY, "there is no such mode");
    if (mode && !meas_mode_find(text_of(mode), &wish.mode))
        return ERR_ARG;
    snprintf(why, COORDINATOR_WHY, "too many relays at a time");
    return c->n_waited < WAITED_MOST
               ? coordinator_measure(c->orders->coordinator, relay, &wish, id, why)
               : ERR_LIMIT;
}

static void measure_one(struct caller *c, const json_t *order, const char *relay)
{
    char why[COORDINATOR_WHY];
    uint32_t id = 0;
    if (begin_one(c, order, relay, &id, why) != OK) {
        say_object(c, json_pack("{ssssss}", "event", "refused", "relay", relay, "why", why));
        return;
    }
    c->waited[c->n_waited++] = id;
    say_object(c, json_pack("{sssIss}", "event", "queued", "id", (json_int_t)id, "relay", relay));
}

static void do_measure(struct caller *c, const json_t *order)
{
    const json_t *relays = json_object_get(order, "relays");
    for (size_t i = 0; i < json_array_size(relays); i++) {
        const char *relay = json_string_value(json_array_get(relays, i));
        if (relay)
            measure_one(c, order, relay);
    }
    if (!c->n_waited)
        say_end(c);
}

static void do_status(struct caller *c, const json_t *order)
{
    (void)order;
    say_text(c, coordinator_status_json(c->orders->coordinator));
}

static void do_measurers(struct caller *c, const json_t *order)
{
    (void)order;
    say_text(c, coordinator_measurers_json(c->orders->coordinator));
}

static void do_relays(struct caller *c, const json_t *order)
{
    (void)order;
    say_text(c, coordinator_relays_json(c->orders->coordinator));
}

static void do_cancel(struct caller *c, const json_t *order)
{
    json_int_t id = json_integer_value(json_object_get(order, "id"));
    bool there = id > 0 && id <= UINT32_MAX &&
                 coordinator_cancel(c->orders->coordinator, (uint32_t)id) == OK;
    if (there)
        say_end(c);
    else
        say_error(c, "there is no such measurement");
}

static void do_shutdown(struct caller *c, const json_t *order)
{
    (void)order;
    say_end(c);
    c->orders->shutdown(c->orders->arg);
}

struct asked {
    struct caller *caller;
    const char *relay; /* NULL: all */
};

static void result_line(void *arg, struct text line)
{
    struct asked *a = arg;
    struct result r;
    char at[IPPORT_TEXT_MAX] = "";
    if (results_parse(line, &r) != OK || !r.is_end)
        return;
    if (r.at.ip.family != IP_NONE)
        (void)ipport_text(&r.at, at);
    if (a->relay && strcmp(a->relay, r.fp) != 0 && strcmp(a->relay, at) != 0)
        return;
    char *copy = text_dup(line);
    if (copy)
        say(a->caller, copy);
    free(copy);
}

static void do_results(struct caller *c, const json_t *order)
{
    struct asked a = {c, json_string_value(json_object_get(order, "relay"))};
    int64_t now_s = env_wall_s(net_env(c->orders->net));
    if (resultsdir_each(c->orders->results, now_s, RESULTS_DAYS, result_line, &a) == OK)
        say_end(c);
    else
        say_error(c, "the results cannot be read");
}

static const struct {
    const char *name;
    void (*run)(struct caller *c, const json_t *order);
} ORDERS[] = {
    {"measure", do_measure},   {"status", do_status},   {"measurers", do_measurers},
    {"relays", do_relays},     {"results", do_results}, {"cancel", do_cancel},
    {"shutdown", do_shutdown},
};

static void obey(struct caller *c, struct text line)
{
    json_error_t error;
    json_t *order = json_loadb(line.s, line.len, JSON_REJECT_DUPLICATES, &error);
    const char *cmd = json_string_value(json_object_get(order, "cmd"));
    size_t i = 0, n = sizeof ORDERS / sizeof *ORDERS;
    while (cmd && i < n && strcmp(ORDERS[i].name, cmd) != 0)
        i++;
    if (cmd && i < n)
        ORDERS[i].run(c, order);
    else
        say_error(c, "there is no such order");
    json_decref(order);
}

/* ---- events ---- */

static void tell(struct caller *c, uint32_t meas_id, const char *json, bool over)
{
    size_t i = 0;
    while (i < c->n_waited && c->waited[i] != meas_id)
        i++;
    if (i == c->n_waited)
        return;
    say(c, json);
    if (!over)
        return;
    c->waited[i] = c->waited[--c->n_waited];
    if (!c->n_waited)
        say_end(c);
}

void orders_event(struct orders *o, uint32_t meas_id, const char *json, bool over)
{
    for (struct caller *c = o->callers; c; c = c->next)
        tell(c, meas_id, json, over);
}

/* ---- callers ---- */

static void *make(void *arg, const struct ipport *peer, const struct talk_ops *ops, void *holder)
{
    struct orders *o = arg;
    struct caller *c = o->n_callers < CALLERS_MOST ? calloc(1, sizeof *c) : NULL;
    (void)peer;
    if (!c)
        return NULL;
    *c = (struct caller){.orders = o, .ops = ops, .holder = holder, .next = o->callers};
    buf_init(&c->in, LINE_MOST);
    buf_init(&c->out, ANSWERS_CAP);
    o->callers = c;
    o->n_callers++;
    return c;
}

static void caller_free(void *caller)
{
    struct caller *c = caller, **at = &c->orders->callers;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->orders->n_callers--;
    buf_free(&c->in);
    buf_free(&c->out);
    free(c);
}

static uint8_t *in_room(void *caller, size_t *room)
{
    struct caller *c = caller;
    *room = buf_space(&c->in);
    return *room ? buf_room(&c->in, *room) : NULL;
}

static void in_done(void *caller, size_t len)
{
    struct caller *c = caller;
    const uint8_t *end;
    buf_commit(&c->in, len);
    while (!c->ended && (end = memchr(buf_at(&c->in), '\n', c->in.len))) {
        struct text line = {(const char *)buf_at(&c->in), (size_t)(end - buf_at(&c->in))};
        obey(c, line);
        buf_drain(&c->in, line.len + 1);
    }
    if (!c->ended && !buf_space(&c->in)) { /* no line is so long */
        c->ended = true;
        c->ops->on_end(c->holder);
    }
}

static const uint8_t *out(void *caller, size_t *len)
{
    struct caller *c = caller;
    *len = c->out.len;
    return *len ? buf_at(&c->out) : NULL;
}

static void sent(void *caller, size_t len)
{
    struct caller *c = caller;
    buf_drain(&c->out, len);
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

err_t orders_open(struct net *n, const char *path, struct coordinator *c,
                  struct resultsdir *results, void (*shutdown)(void *arg), void *arg,
                  struct orders **out_)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return ERR_LIMIT;
    struct orders *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    *o = (struct orders){
        .net = n, .coordinator = c, .results = results, .shutdown = shutdown, .arg = arg};
    const struct port_at at = {.unix_path = path};
    o->talks = talks_new(n, &caller_talk, o);
    err_t e =
        o->talks ? listener_open(n, "orders", &at, on_accept, o->talks, &o->listener) : ERR_NOMEM;
    if (e == OK)
        *out_ = o;
    else
        orders_close(o);
    return e;
}

void orders_close(struct orders *o)
{
    if (!o)
        return;
    talks_free(o->talks);
    listener_close(o->listener);
    free(o);
}
