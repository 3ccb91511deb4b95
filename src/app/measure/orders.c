#include "app/measure/orders.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/lines.h"
#include "app/measure/orderwish.h"
#include "app/measure/resultsread.h"

enum { LINE_MOST = 64 * 1024, ANSWERS_CAP = 8 << 20, WAITED_MOST = 1024 };
enum { READERS_MOST = 4, READ_AHEAD = 256 << 10, TURN_MS = 1 };

static const char OUT_OF_MEMORY[] = "{\"event\":\"error\",\"why\":\"out of memory\"}";

struct orders {
    struct net *net;
    struct orders_of of;
    struct lines *lines;
    unsigned n_readers;
};

/* One connection. */
struct caller {
    struct orders *orders;
    struct lines_caller *line;
    uint32_t waited[WAITED_MOST]; /* measurements whose events it gets */
    size_t n_waited;
    unsigned bwfile;               /* the work that it waits for; 0: none */
    struct resultsread *reader;    /* of the results that it is being told */
    struct coordinator_view *view; /* what it is told a page at a time; */
    struct timer turn;             /* when the next one is due */
};

/* ---- answers ---- */

static void say(struct caller *c, const char *json)
{
    lines_say(c->line, text_of(json));
}

static void say_object(struct caller *c, json_t *gift_object)
{
    char *json = gift_object ? json_dumps(gift_object, JSON_COMPACT) : NULL;
    say(c, json ? json : OUT_OF_MEMORY);
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
    say(c, gift_json ? gift_json : OUT_OF_MEMORY);
    free(gift_json);
    say_end(c);
}

/* ---- orders ---- */

static err_t begin_one(struct caller *c, const json_t *order, const char *relay, uint32_t *id,
                       char why[COORDINATOR_WHY])
{
    struct coordinator_wish wish;
    TRY(orderwish_read(order, &wish, why));
    snprintf(why, COORDINATOR_WHY, "too many relays at a time");
    return c->n_waited < WAITED_MOST
               ? coordinator_measure(c->orders->of.coordinator, relay, &wish, id, why)
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
    say_text(c, coordinator_status_json(c->orders->of.coordinator));
}

static void do_measurers(struct caller *c, const json_t *order)
{
    (void)order;
    say_text(c, coordinator_measurers_json(c->orders->of.coordinator));
}

/* ---- what takes pages ---- */

/* As many as may wait; the next when some of that has gone out. */
static void say_pages(void *arg)
{
    struct caller *c = arg;
    bool over = false;
    while (!over && lines_waiting(c->line) <= READ_AHEAD) {
        char *page = coordinator_view_next(c->view, &over);
        over = over || !page;
        say(c, page ? page : OUT_OF_MEMORY);
        free(page);
    }
    if (!over)
        return;
    coordinator_view_free(c->view);
    c->view = NULL;
    say_end(c);
}

static void view(struct caller *c, struct coordinator_view *gift_view)
{
    if (!gift_view) {
        say_error(c, "out of memory");
        return;
    }
    c->view = gift_view;
    timer_init(&c->turn, say_pages, c);
    say_pages(c);
}

/* One after the other. */
static bool may_view(struct caller *c)
{
    if (c->view)
        say_error(c, "what you asked for before is being told");
    return !c->view;
}

static void do_relays(struct caller *c, const json_t *order)
{
    (void)order;
    if (may_view(c))
        view(c, coordinator_view_relays(c->orders->of.coordinator));
}

static void do_schedule(struct caller *c, const json_t *order)
{
    struct coordinator *co = c->orders->of.coordinator;
    const char *what = json_string_value(json_object_get(order, "do"));
    what = what ? what : "";
    if (strcmp(what, "start") == 0)
        coordinator_schedule_start(co);
    else if (strcmp(what, "stop") == 0)
        coordinator_schedule_stop(co);
    else if (*what && strcmp(what, "show") != 0) {
        say_error(c, "a schedule is started, stopped or shown");
        return;
    }
    if (strcmp(what, "show") != 0)
        say_text(c, coordinator_schedule_json(co));
    else if (may_view(c))
        view(c, coordinator_view_schedule(co));
}

static void do_cancel(struct caller *c, const json_t *order)
{
    json_int_t id = json_integer_value(json_object_get(order, "id"));
    bool there = id > 0 && id <= UINT32_MAX &&
                 coordinator_cancel(c->orders->of.coordinator, (uint32_t)id) == OK;
    if (there)
        say_end(c);
    else
        say_error(c, "there is no such measurement");
}

static void do_shutdown(struct caller *c, const json_t *order)
{
    (void)order;
    say_end(c);
    c->orders->of.shutdown(c->orders->of.arg);
}

static void do_bwfile(struct caller *c, const json_t *order)
{
    (void)order;
    c->bwfile = c->orders->of.bwfile(c->orders->of.arg);
    if (!c->bwfile)
        say_error(c, "no process could be made");
}

/* ---- results ---- */

static void reader_lines(void *arg, struct text lines)
{
    struct caller *c = arg;
    lines_say(c->line, lines);
    resultsread_hold(c->reader, lines_waiting(c->line) > READ_AHEAD);
}

static void reader_done(void *arg, bool good)
{
    struct caller *c = arg;
    c->reader = NULL;
    c->orders->n_readers--;
    if (good)
        say_end(c);
    else
        say_error(c, "the results cannot be read");
}

static err_t read_results(struct caller *c, const char *relay)
{
    const struct resultsread_of of = {.dir = c->orders->of.resultsdir,
                                      .relay = relay,
                                      .listing = c->orders->of.listing,
                                      .lines = reader_lines,
                                      .done = reader_done,
                                      .arg = c};
    TRY(resultsread_start(c->orders->net, &of, &c->reader));
    c->orders->n_readers++;
    return OK;
}

static void do_results(struct caller *c, const json_t *order)
{
    if (c->reader) {
        say_error(c, "the results that you asked for before are being read");
        return;
    }
    if (c->orders->n_readers == READERS_MOST) {
        say_error(c, "others read the results now, as many as may at a time: ask again later");
        return;
    }
    err_t e = read_results(c, json_string_value(json_object_get(order, "relay")));
    if (e == ERR_ARG)
        say_error(c, "say a fingerprint, an address with its port, or the name of a relay that the "
                     "coordinator knows");
    else if (e == ERR_LIMIT)
        say_error(c, "several relays are called so: say the fingerprint");
    else if (e != OK)
        say_error(c, "the results cannot be read now: no process could be made");
}

static void sent(void *orders, struct lines_caller *line_caller)
{
    struct caller *c = lines_own(line_caller);
    const struct orders *o = orders;
    if (lines_waiting(line_caller) > READ_AHEAD)
        return;
    if (c->reader)
        resultsread_hold(c->reader, false);
    if (c->view)
        env_arm_ms(net_env(o->net), &c->turn, TURN_MS);
}

static void gone(void *orders, struct lines_caller *line_caller)
{
    struct orders *o = orders;
    struct caller *c = lines_own(line_caller);
    if (c->view) {
        env_disarm(net_env(o->net), &c->turn);
        coordinator_view_free(c->view);
    }
    if (!c->reader)
        return;
    o->n_readers--;
    resultsread_stop(c->reader);
}

/* ---- an order ---- */

static const struct {
    const char *name;
    void (*run)(struct caller *c, const json_t *order);
} ORDERS[] = {
    {"measure", do_measure},   {"status", do_status},   {"measurers", do_measurers},
    {"relays", do_relays},     {"results", do_results}, {"cancel", do_cancel},
    {"shutdown", do_shutdown}, {"bwfile", do_bwfile},   {"schedule", do_schedule},
};

static void obey(void *orders, struct lines_caller *line_caller, struct text line)
{
    struct caller *c = lines_own(line_caller);
    c->orders = orders;
    c->line = line_caller;
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

static const struct lines_kind kind = {.what = "orders",
                                       .line_most = LINE_MOST,
                                       .answers_most = ANSWERS_CAP,
                                       .own_size = sizeof(struct caller),
                                       .obey = obey,
                                       .sent = sent,
                                       .gone = gone};

/* ---- events ---- */

/* Something about the measurement ID, or about the work on a bandwidth file with that number. */
struct told {
    uint32_t id;
    const char *json;
    bool over;
};

static void tell(void *arg, struct lines_caller *line_caller)
{
    const struct told *t = arg;
    struct caller *c = lines_own(line_caller);
    size_t i = 0;
    while (i < c->n_waited && c->waited[i] != t->id)
        i++;
    if (i == c->n_waited)
        return;
    say(c, t->json);
    if (!t->over)
        return;
    c->waited[i] = c->waited[--c->n_waited];
    if (!c->n_waited)
        say_end(c);
}

void orders_event(struct orders *o, uint32_t meas_id, const char *json, bool over)
{
    lines_each(o->lines, tell, &(struct told){meas_id, json, over});
}

static void tell_bwfile(void *arg, struct lines_caller *line_caller)
{
    const struct told *t = arg;
    struct caller *c = lines_own(line_caller);
    if (!c->bwfile || c->bwfile > t->id)
        return;
    c->bwfile = 0;
    say(c, t->json);
    say_end(c);
}

void orders_bwfile(struct orders *o, unsigned number, const char *json)
{
    lines_each(o->lines, tell_bwfile, &(struct told){number, json, true});
}

/* ---- life ---- */

err_t orders_open(struct net *n, const char *path, const struct orders_of *of, struct orders **out)
{
    struct orders *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    *o = (struct orders){.net = n, .of = *of};
    err_t e = lines_open(n, &kind, path, o, &o->lines);
    if (e == OK)
        *out = o;
    else
        free(o);
    return e;
}

void orders_close(struct orders *o)
{
    if (!o)
        return;
    lines_close(o->lines);
    free(o);
}
