#include "client/tunnels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/later.h"
#include "base/ratelim.h"
#include "cell/reason.h"
#include "client/waiting.h"

enum {
    MOST_TUNNELS = 20000,  /* at once */
    MOST_ATTEMPTS = 3,     /* streams for one tunnel, as many as tor tries */
    CATCH_UP_MS = 10,      /* until streams are tried again on a link that is full */
    TRIES_A_TIME = 32,     /* to attach: so many at one event, the rest in the next wake-ups */
    NO_NETWORK_S = 3,      /* a tunnel waits for a network to come back */
    REFUSALS_EVERY_S = 60, /* that requests are refused is said so often */
    MOST_FAILED = 8,       /* exits remembered as having let a tunnel down */
};

enum tunnel_state {
    WAITING,    /* for a circuit */
    CONNECTING, /* the stream is on its way */
    OPEN,
    CLOSED, /* its owner knows, or is about to be told */
};

struct tunnel {
    struct tunnels *set;
    struct tunnel_request req;
    const struct tunnel_ops *ops;
    void *arg;
    enum tunnel_state state;
    struct stream *stream;
    struct ride *ride;    /* while CONNECTING */
    struct waiter waiter; /* while WAITING */
    uint64_t circ_id;
    struct rsa_id failed[MOST_FAILED];
    size_t n_failed;
    unsigned attempts;
    struct stream_end last; /* how the last attempt ended */
    bool refused_early;     /* tunnel_write() took 0 before the tunnel was open */
    struct tunnel_end end;
    struct timer attempt; /* deadline of this attempt */
    uint64_t since_us;    /* when it was opened */
    struct timer give_up; /* deadline of the tunnel, until it is open */
    struct later tell;    /* the end (if the owner does not know), then free */
    bool owner_knows;
    struct tunnel *prev, *next;
};

struct tunnels {
    struct env *env;
    struct exits *exits;
    struct tunnels_config config;
    struct tunnel *list;
    size_t n;
    struct waiting *waiting;
    char refused[160];       /* why no tunnel can be had any more; or "" */
    struct ratelim refusals; /* that requests are refused, in the log */
    struct timer attach;     /* armed: some that wait are still to be tried */
    struct timer catch_up;   /* armed: some are held back by a link that is full */
};

/* ---- ending ---- */

static void set_state(struct tunnel *t, enum tunnel_state state)
{
    waiting_remove(t->set->waiting, &t->waiter);
    t->state = state;
}

static void disarm(struct tunnel *t)
{
    env_disarm(t->set->env, &t->attempt);
    env_disarm(t->set->env, &t->give_up);
}

static void tunnel_free(struct tunnel *t)
{
    set_state(t, CLOSED);
    disarm(t);
    later_cancel(t->set->env, &t->tell);
    DL_DELETE(t->set->list, t);
    t->set->n--;
    free(t);
}

static void tell_end(void *arg)
{
    struct tunnel *t = arg;
    if (!t->owner_knows)
        t->ops->on_end(t->arg, &t->end);
    tunnel_free(t);
}

/* TEXT must not name the destination. */
static void end_tunnel(struct tunnel *t, enum tunnel_stage stage, err_t why, uint8_t reason,
                       const char *text)
{
    if (t->state == CLOSED)
        return;
    t->end = (struct tunnel_end){
        .stage = stage,
        .why = why,
        .reason = reason,
        .connected = t->state == OPEN,
        .attempts = t->attempts,
    };
    snprintf(t->end.text, sizeof t->end.text, "%s", text);
    set_state(t, CLOSED);
    disarm(t);
    later_ask(t->set->env, &t->tell);
}

/* Ends T for what was asked for, or for options that rule it out: the application hears little of
 * why, so its user is told. */
static void refuse(struct tunnel *t, enum tunnel_stage stage, err_t why, uint8_t reason,
                   const char *text)
{
    unsigned held_back;
    if (ratelim_pass(&t->set->refusals, t->set->env, REFUSALS_EVERY_S, &held_back))
        log_warn(t->set->env->log, "A request of an application was refused: %s.%s", text,
                 held_back ? " So were others before." : "");
    end_tunnel(t, stage, why, reason, text);
}

void tunnel_close(struct tunnel *t, uint8_t reason)
{
    t->owner_knows = true;
    if (t->stream)
        stream_close(t->stream, reason);
    t->stream = NULL;
    end_tunnel(t, TUNNEL_STAGE_NONE, OK, reason, "closed by the application");
}

/* ---- one attempt ---- */

static struct exit_need need_of(const struct tunnel *t)
{
    return (struct exit_need){
        .request = &t->req,
        .failed = t->failed,
        .n_failed = t->n_failed,
        .avoid_circuit = t->circ_id,
    };
}

static void exit_failed(struct tunnel *t, const struct rsa_id *exit)
{
    if (t->n_failed < MOST_FAILED)
        t->failed[t->n_failed++] = *exit;
}

/* For a circuit, the first or another one; false out of memory. */
static bool begin_to_wait(struct tunnel *t)
{
    bool has_tried = t->circ_id || t->n_failed;
    set_state(t, WAITING);
    if (!waiting_add(t->set->waiting, &t->waiter, &t->req, has_tried))
        return false;
    env_arm_ms(t->set->env, &t->set->attach, 0);
    return true;
}

static void wait_again(struct tunnel *t)
{
    env_disarm(t->set->env, &t->attempt);
    if (!begin_to_wait(t))
        end_tunnel(t, TUNNEL_STAGE_CIRCUIT, ERR_NOMEM, END_RESOURCELIMIT, err_text(ERR_NOMEM));
}

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct tunnel *t = arg;
    (void)ttl_s;
    disarm(t);
    set_state(t, OPEN);
    t->ops->on_connected(t->arg, addr);
    if (t->state == OPEN && t->refused_early)
        t->ops->on_writable(t->arg);
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct tunnel *t = arg;
    disarm(t);
    set_state(t, OPEN);
    t->ops->on_resolved(t->arg, answers, n);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct tunnel *t = arg;
    t->ops->on_data(t->arg, bytes, len);
}

static void on_writable(void *arg)
{
    struct tunnel *t = arg;
    if (t->state == OPEN)
        t->ops->on_writable(t->arg);
}

/* Whether another exit might do better, and whether this one is to be left alone by this tunnel
 * (tor-spec 6.3: reasons; what C tor's clients retry). */
enum { RETRY = 1, BLAME_EXIT = 2 };

static unsigned retry_rule(uint8_t reason)
{
    switch (reason) {
    case END_EXITPOLICY:
    case END_RESOURCELIMIT:
    case END_HIBERNATING:
    case END_RESOLVEFAILED:
    case END_MISC:
    case END_NOROUTE:
    case END_TIMEOUT:
    case END_INTERNAL:
    case END_TORPROTOCOL:
    case END_DESTROY:
        return RETRY | BLAME_EXIT;
    default: /* CONNECTREFUSED, DONE, CONNRESET, ...: the destination has spoken */
        return 0;
    }
}

static void end_with_circuit(struct tunnel *t, const struct stream_end *end)
{
    char text[sizeof t->end.text];
    end_tunnel(t, TUNNEL_STAGE_CIRCUIT, end->why, end->reason,
               circ_end_text(&end->circ, text, sizeof text));
    t->end.circuit_ended = true;
    t->end.circ = end->circ;
}

/* Ends T for the reason that its last attempt ended for. */
static void end_as_last(struct tunnel *t)
{
    const struct stream_end *end = &t->last;
    if (end->circuit_ended)
        end_with_circuit(t, end);
    else if (end->why == ERR_STREAM_TIMEOUT)
        end_tunnel(t, TUNNEL_STAGE_TIMEOUT, end->why, end->reason, "no exit answered in time");
    else
        end_tunnel(t, TUNNEL_STAGE_STREAM, end->why, end->reason, end_reason_text(end->reason));
}

static void attempt_failed(struct tunnel *t, const struct stream_end *end)
{
    unsigned rule = end->circuit_ended ? RETRY : retry_rule(end->reason);
    if ((rule & BLAME_EXIT) && t->ride->exit)
        exit_failed(t, t->ride->exit);
    t->ride = NULL;
    t->last = *end;
    if ((rule & RETRY) && t->attempts < MOST_ATTEMPTS)
        wait_again(t);
    else
        end_as_last(t);
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct tunnel *t = arg;
    t->stream = NULL;
    if (t->state == CONNECTING) {
        attempt_failed(t, end);
        return;
    }
    if (end->circuit_ended) {
        end_with_circuit(t, end);
        return;
    }
    bool done = end->reason == END_DONE;
    end_tunnel(t, done ? TUNNEL_STAGE_NONE : TUNNEL_STAGE_STREAM, end->why, end->reason,
               end_reason_text(end->reason));
}

static const struct stream_ops stream_ops = {
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

static uint64_t attempt_ms(const struct tunnel *t)
{
    if (t->set->config.stream_timeout_ms)
        return t->set->config.stream_timeout_ms;
    return t->attempts < 3 ? 10000 : 15000;
}

static void attempt_timed_out(void *arg)
{
    struct tunnel *t = arg;
    struct stream_end end = {.why = ERR_STREAM_TIMEOUT, .reason = END_TIMEOUT};
    stream_close(t->stream, END_TIMEOUT);
    t->stream = NULL;
    /* The circuit may be dead without a word: nobody else should wait for it. */
    t->ride->retire(t->ride);
    attempt_failed(t, &end);
}

static void give_up(void *arg)
{
    struct tunnel *t = arg;
    if (t->stream)
        stream_close(t->stream, END_TIMEOUT);
    t->stream = NULL;
    end_tunnel(t, TUNNEL_STAGE_TIMEOUT, ERR_STREAM_TIMEOUT, END_TIMEOUT,
               t->state == WAITING ? "no circuit could be built in time"
                                   : "the exit did not answer in time");
}

/* "host:port" for BEGIN, "[v6]:port" for literals, the bare name for RESOLVE. */
static void target_text(const struct tunnel_request *req, char *out, size_t size)
{
    if (req->kind == TUNNEL_CONNECT)
        snprintf(out, size, req->ip.family == IP_V6 ? "[%s]:%u" : "%s:%u", req->host, req->port);
    else
        snprintf(out, size, "%s", req->host);
}

static uint32_t begin_flags(const struct tunnel_request *req)
{
    uint32_t flags = 0;
    if (req->kind != TUNNEL_CONNECT)
        return 0;
    if (req->ipv6_ok && req->ip.family != IP_V4)
        flags |= BEGIN_IPV6_OK;
    if (!req->ipv4_ok || req->ip.family == IP_V6)
        flags |= BEGIN_IPV4_NOT_OK;
    if (req->prefer_ipv6 && req->ipv6_ok)
        flags |= BEGIN_IPV6_PREFERRED;
    return flags;
}

static err_t open_stream(struct tunnel *t, struct ride *ride)
{
    char target[TUNNEL_HOST_MAX + 16];
    bool dir = t->req.kind == TUNNEL_DIR || t->req.kind == TUNNEL_DIR_AUTHORITY;
    struct stream_request req = {
        .kind = dir                             ? STREAM_BEGIN_DIR
                : t->req.kind == TUNNEL_CONNECT ? STREAM_BEGIN
                                                : STREAM_RESOLVE,
        .target = dir ? NULL : target,
        .flags = begin_flags(&t->req),
    };
    target_text(&t->req, target, sizeof target);
    return stream_open(ride->streams, &req, &stream_ops, t, &t->stream);
}

/* T, which is due, goes onto RIDE. */
static void attach_to(struct tunnel *t, struct ride *ride)
{
    err_t e = open_stream(t, ride);
    if (e == ERR_FULL) { /* the link is catching up with a burst of streams */
        waiting_hold(t->set->waiting, &t->waiter);
        env_arm_ms(t->set->env, &t->set->catch_up, CATCH_UP_MS);
        return;
    }
    if (e == ERR_LIMIT || e == ERR_STATE) {
        ride->retire(ride); /* it is full, or dying: another will do */
        return;
    }
    if (e != OK) {
        end_tunnel(t, TUNNEL_STAGE_REQUEST, e, END_INTERNAL, err_text(e));
        return;
    }
    t->attempts++;
    t->ride = ride;
    t->circ_id = ride->circuit;
    set_state(t, CONNECTING);
    env_arm_ms(t->set->env, &t->attempt, attempt_ms(t));
}

static struct tunnel *tunnel_of(struct waiter *w)
{
    return (struct tunnel *)(void *)((char *)w - offsetof(struct tunnel, waiter));
}

/* T looks at what is open. */
static void try_due(struct tunnels *ts, struct tunnel *t)
{
    struct exit_need need = need_of(t);
    struct exit_circ *circ = exits_find_open(ts->exits, &need);
    if (circ) {
        exits_use(circ, &need);
        attach_to(t, exit_circ_ride(circ));
        return;
    }
    waiting_sleep(ts->waiting, &t->waiter);
    waiting_begin_round(ts->waiting);
}

/* T has whatever can be had. */
static void take_turn(struct tunnels *ts, struct tunnel *t)
{
    const char *why_not = NULL;
    struct exit_need need = need_of(t);
    if (exits_find(ts->exits, &need, &why_not))
        waiting_wake_wish(ts->waiting, &t->waiter);
    else if (why_not && t->attempts)
        end_as_last(t);
    else if (why_not)
        refuse(t, TUNNEL_STAGE_STREAM, ERR_NOT_FOUND, END_EXITPOLICY, why_not);
}

/* Looks cost little, and are for all who are due; what has to be built is given out by turns.
 * False: nobody is to be tried for now. */
static bool try_next(struct tunnels *ts)
{
    struct waiter *w = waiting_next_due(ts->waiting);
    if (w) {
        try_due(ts, tunnel_of(w));
        return true;
    }
    w = exits_could_serve(ts->exits) ? waiting_next_turn(ts->waiting) : NULL;
    if (w)
        take_turn(ts, tunnel_of(w));
    return w != NULL;
}

static void attach_some(struct tunnels *ts)
{
    for (int i = 0; i < TRIES_A_TIME; i++)
        if (!try_next(ts))
            return;
    env_arm_ms(ts->env, &ts->attach, 0);
}

void tunnels_attach(struct tunnels *ts)
{
    waiting_begin_round(ts->waiting);
    attach_some(ts);
}

void tunnels_attach_these(struct tunnels *ts, const struct isolation_key who[ISOLATION_KEYS])
{
    waiting_wake(ts->waiting, who);
    attach_some(ts);
}

static void attach_due(void *arg)
{
    attach_some(arg);
}

static void catch_up(void *arg)
{
    struct tunnels *ts = arg;
    waiting_end_hold(ts->waiting);
    attach_some(ts);
}
/* ---- requests ---- */

/* NAME is `label`, or ends in `.label`. */
static bool is_under(const char *name, const char *label)
{
    size_t len = strlen(name), n = strlen(label);
    while (len && name[len - 1] == '.') /* "x.onion." is the same name */
        len--;
    if (len < n || strncasecmp(name + len - n, label, n) != 0)
        return false;
    return len == n || name[len - n - 1] == '.';
}

static bool is_local_name(const char *name)
{
    return is_under(name, "localhost") || is_under(name, "local");
}

/* What no exit could do; NULL if REQ is fine. */
static const char *no_use(const struct tunnel_request *req)
{
    if (is_under(req->host, "onion"))
        return "onion services are not supported yet";
    if (is_under(req->host, "exit"))
        return "the .exit notation is not supported";
    if (req->kind == TUNNEL_CONNECT && req->port == 0)
        return "port 0 cannot be reached";
    return NULL;
}

/* Addresses that must not leave through an exit; NULL if REQ is fine. */
static const char *refusal(const struct tunnels *ts, const struct tunnel_request *req)
{
    if (req->kind == TUNNEL_RESOLVE_PTR && ts->config.dns_reject_internal &&
        ip_is_internal(&req->ip))
        return "reverse look-up of an internal address";
    if (req->kind == TUNNEL_CONNECT && ts->config.reject_internal &&
        (req->ip.family == IP_NONE ? is_local_name(req->host) : ip_is_internal(&req->ip)))
        return "internal address (ClientRejectInternalAddresses)";
    return NULL;
}

/* in-addr.arpa and ip6.arpa names for a reverse look-up (RFC 1035, RFC 3596). */
static void reverse_name(const struct ip *ip, char *out, size_t size)
{
    size_t len = 0;
    if (ip->family == IP_V4) {
        snprintf(out, size, "%u.%u.%u.%u.in-addr.arpa", ip->b[3], ip->b[2], ip->b[1], ip->b[0]);
        return;
    }
    for (size_t i = 16; i-- > 0 && len < size;)
        len += (size_t)snprintf(out + len, size - len, "%x.%x.", ip->b[i] & 15, ip->b[i] >> 4);
    if (len < size)
        snprintf(out + len, size - len, "ip6.arpa");
}

/* An address in HOST is treated as one even if the caller did not say so: what holds for internal
 * addresses must not depend on him. */
static void know_literal(struct tunnel_request *req)
{
    struct ip ip;
    if (ip_parse(req->host, true, &ip) != OK)
        return;
    req->ip = ip;
    ip_text(&ip, req->host);
}

struct tunnel *tunnels_open(struct tunnels *ts, const struct tunnel_request *req,
                            const struct tunnel_ops *ops, void *arg)
{
    if (ts->n >= MOST_TUNNELS)
        return NULL;
    struct tunnel *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct tunnel){.set = ts, .req = *req, .ops = ops, .arg = arg, .state = WAITING};
    timer_init(&t->attempt, attempt_timed_out, t);
    timer_init(&t->give_up, give_up, t);
    later_init(&t->tell, tell_end, t);
    DL_APPEND(ts->list, t);
    ts->n++;
    if (req->kind == TUNNEL_RESOLVE_PTR)
        reverse_name(&req->ip, t->req.host, sizeof t->req.host);
    else
        know_literal(&t->req);
    const char *useless = no_use(&t->req), *why_not = useless ? useless : refusal(ts, &t->req);
    if (why_not) {
        refuse(t, TUNNEL_STAGE_REQUEST, ERR_ARG, useless ? END_MISC : END_PRIVATE, why_not);
        return t;
    }
    if (ts->refused[0]) {
        end_tunnel(t, TUNNEL_STAGE_NETWORK, ERR_STATE, END_NOROUTE, ts->refused);
        return t;
    }
    if (!begin_to_wait(t)) {
        tunnel_free(t);
        return NULL;
    }
    env_arm_ms(ts->env, &t->give_up, ts->config.give_up_ms);
    t->since_us = ts->env->mono_us;
    return t;
}

size_t tunnel_write(struct tunnel *t, const uint8_t *bytes, size_t len)
{
    if (t->state != OPEN || !t->stream) {
        t->refused_early = true;
        return 0;
    }
    return stream_write(t->stream, bytes, len);
}

const struct tunnel_request *tunnel_asked(const struct tunnel *t)
{
    return &t->req;
}

void tunnel_consumed(struct tunnel *t, size_t len)
{
    if (t->stream)
        stream_consumed(t->stream, len);
}

/* ---- the set ---- */

struct tunnels *tunnels_new(struct env *env, struct exits *exits,
                            const struct tunnels_config *config)
{
    struct tunnels *ts = calloc(1, sizeof *ts);
    if (!ts)
        return NULL;
    *ts = (struct tunnels){.env = env, .exits = exits, .config = *config};
    ts->waiting = waiting_new();
    if (!ts->waiting) {
        free(ts);
        return NULL;
    }
    timer_init(&ts->attach, attach_due, ts);
    timer_init(&ts->catch_up, catch_up, ts);
    return ts;
}

void tunnels_free(struct tunnels *ts)
{
    if (!ts)
        return;
    while (ts->list) {
        if (ts->list->stream)
            stream_close(ts->list->stream, END_DONE);
        tunnel_free(ts->list);
    }
    env_disarm(ts->env, &ts->attach);
    env_disarm(ts->env, &ts->catch_up);
    waiting_free(ts->waiting);
    free(ts);
}

void tunnels_end_all(struct tunnels *ts, const char *why)
{
    struct tunnel *t;
    DL_FOREACH (ts->list, t) {
        if (t->stream)
            stream_close(t->stream, END_DONE);
        t->stream = NULL;
        t->ride = NULL;
        end_tunnel(t, TUNNEL_STAGE_NETWORK, ERR_LINK_CLOSED, END_HIBERNATING, why);
    }
}

void tunnels_refuse_all(struct tunnels *ts, const char *why)
{
    snprintf(ts->refused, sizeof ts->refused, "%s", why);
    tunnels_end_all(ts, ts->refused);
}

void tunnels_set_config(struct tunnels *ts, const struct tunnels_config *config)
{
    ts->config = *config;
}

size_t tunnels_count(const struct tunnels *ts)
{
    return ts->n;
}

void tunnels_no_network(struct tunnels *ts)
{
    const uint64_t patience_us = NO_NETWORK_S * (uint64_t)US_PER_SEC;
    struct tunnel *t, *next;
    DL_FOREACH_SAFE (ts->list, t, next)
        if (t->state == WAITING && ts->env->mono_us - t->since_us >= patience_us)
            end_tunnel(t, TUNNEL_STAGE_NETWORK, ERR_LINK_CONNECT, END_NOROUTE,
                       "there is no network: this computer has no route to any relay");
}

size_t tunnels_waiting(const struct tunnels *ts)
{
    return waiting_count(ts->waiting);
}
