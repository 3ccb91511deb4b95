#include "control/steering.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "client/client.h"
#include "client/steer.h"
#include "client/tunnel.h"
#include "control/control.h"

enum {
    NEWNYM_EVERY_S = 10, /* MAX_SIGNEWNYM_RATE */
    RESOLVES_MOST = 1000,
    LEFT_EVERY_S = 10,
};

static struct env *env_of(const struct steering *s)
{
    return control_env(s->control);
}

/* ---- look-ups ---- */

struct resolve {
    struct steering *steering;
    struct tunnel *tunnel;
    bool answered;
    char name[TUNNEL_HOST_MAX + 1];
    struct resolve *prev, *next;
};

/* TO: NULL if it failed, and ERROR says how. STREAM 0: none was begun. */
static void tell(const struct steering *s, const char *name, const char *to, const char *error,
                 uint32_t ttl_s, uint64_t stream)
{
    struct event_record e = {
        .kind = EVENT_ADDRMAP,
        .addrmap = {.expires_s = env_wall_s(env_of(s)) + ttl_s, .error = error, .stream = stream}};
    snprintf(e.addrmap.from, sizeof e.addrmap.from, "%s", name);
    snprintf(e.addrmap.to, sizeof e.addrmap.to, "%s", to);
    client_tell(control_client(s->control), &e);
}

/* tor asks for IPv4 addresses only. */
static const struct stream_answer *best(const struct stream_answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (answers[i].kind == ANSWER_NAME ||
            (answers[i].kind == ANSWER_IP && answers[i].ip.family == IP_V4))
            return &answers[i];
    return NULL;
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct resolve *r = arg;
    const struct stream_answer *a = best(answers, n);
    char ip[IP_TEXT_MAX];
    if (!a)
        return;
    r->answered = true;
    tell(r->steering, r->name, a->kind == ANSWER_NAME ? a->name : ip_text(&a->ip, ip), NULL,
         a->ttl_s, tunnel_stream(r->tunnel));
}

static void drop(struct resolve *r)
{
    r->steering->n_resolves--;
    DL_DELETE(r->steering->resolves, r);
    free(r);
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct resolve *r = arg;
    (void)end;
    if (!r->answered)
        tell(r->steering, r->name, "<error>", "error=yes", 0, tunnel_stream(r->tunnel));
    drop(r);
}

static const struct tunnel_ops resolve_ops = {.on_resolved = on_resolved, .on_end = on_end};

static bool request(const char *name, bool reverse, struct tunnel_request *out)
{
    *out = (struct tunnel_request){.kind = reverse ? TUNNEL_RESOLVE_PTR : TUNNEL_RESOLVE,
                                   .isolation.session = SESSION_CONTROL,
                                   .ipv4_ok = true};
    int len = snprintf(out->host, sizeof out->host, "%s", name);
    bool is_ip = ip_parse(name, true, &out->ip) == OK;
    return (size_t)len < sizeof out->host && (is_ip || !reverse);
}

static bool begin(struct steering *s, const char *name, bool reverse)
{
    struct tunnel_request req;
    struct resolve *r = NULL;
    if (request(name, reverse, &req) && s->n_resolves < RESOLVES_MOST)
        r = calloc(1, sizeof *r);
    if (!r)
        return false;
    *r = (struct resolve){.steering = s};
    snprintf(r->name, sizeof r->name, "%s", name);
    r->tunnel = tunnel_open(control_client(s->control), &req, &resolve_ops, r);
    if (!r->tunnel) {
        free(r);
        return false;
    }
    DL_APPEND(s->resolves, r);
    s->n_resolves++;
    return true;
}

void steering_resolve(struct steering *s, const char *name, bool reverse)
{
    if (!begin(s, name, reverse))
        tell(s, name, name, "internal", 0, 0);
}

/* ---- identities ---- */

static void new_identity(struct steering *s)
{
    s->newnym_us = env_of(s)->mono_us;
    client_new_identity(control_client(s->control));
}

static void newnym_due(void *arg)
{
    new_identity(arg);
}

/* As do_signewnym() of tor's mainloop.c: one that comes too soon is put off, not refused. */
static void newnym(struct steering *s)
{
    const uint64_t pause_us = NEWNYM_EVERY_S * (uint64_t)US_PER_SEC, now_us = env_of(s)->mono_us;
    uint64_t since_us = now_us - s->newnym_us;
    if (!s->newnym_us || since_us >= pause_us) {
        new_identity(s);
        return;
    }
    uint64_t left_ms = (pause_us - since_us + US_PER_MS - 1) / US_PER_MS;
    if (!s->newnym.armed)
        env_arm_ms(env_of(s), &s->newnym, left_ms);
    log_notice(env_of(s)->log, "Rate limiting NEWNYM request: delaying by %d second(s)",
               (int)((left_ms + MS_PER_SEC - 1) / MS_PER_SEC));
}

/* ---- signals ---- */

static void carry_out(struct steering *s, enum signal_what signal)
{
    void *world;
    const struct control_world *ops = control_world(s->control, &world);
    struct client *client = control_client(s->control);
    switch (signal) {
    case SIGNAL_NEWNYM:
        newnym(s);
        break;
    case SIGNAL_CLEARDNSCACHE:
        client_forget_answers(client);
        break;
    case SIGNAL_ACTIVE:
        client_be_active(client);
        break;
    case SIGNAL_DORMANT:
        client_be_dormant(client);
        break;
    default:
        ops->signal(world, signal);
    }
}

static void carry_out_all(void *arg)
{
    struct steering *s = arg;
    unsigned n = s->n_waiting;
    s->n_waiting = 0;
    for (unsigned i = 0; i < n; i++)
        carry_out(s, s->waiting[i]);
}

void steering_signal(struct steering *s, enum signal_what signal)
{
    if (s->n_waiting == STEERING_SIGNALS_MOST)
        return;
    s->waiting[s->n_waiting++] = signal;
    later_ask(env_of(s), &s->signals);
}

/* ---- streams that nobody attaches ---- */

void steering_attacher_gone(struct steering *s)
{
    struct client *client = control_client(s->control);
    unsigned held_back;
    if (!control_options(s->control)->leave_streams_unattached ||
        !ratelim_pass(&s->left, env_of(s), LEFT_EVERY_S, &held_back))
        return;
    const struct event_record e = {.kind = EVENT_STATUS,
                                   .status = {.what = STATUS_STREAMS_LEFT_UNATTACHED,
                                              .number = (unsigned)client_streams_left(client)}};
    log_warn(env_of(s)->log,
             "The controller that attached streams is gone, and __LeaveStreamsUnattached is "
             "set: %u streams wait, and all that come will, until a controller attaches them or "
             "says RESETCONF __LeaveStreamsUnattached.",
             e.status.number);
    client_tell(client, &e);
}

/* ---- life ---- */

void steering_init(struct steering *s, struct control *c)
{
    *s = (struct steering){.control = c};
    timer_init(&s->newnym, newnym_due, s);
    later_init(&s->signals, carry_out_all, s);
}

void steering_end(struct steering *s)
{
    env_disarm(env_of(s), &s->newnym);
    later_cancel(env_of(s), &s->signals);
    while (s->resolves) {
        tunnel_close(s->resolves->tunnel, 0);
        drop(s->resolves);
    }
}
