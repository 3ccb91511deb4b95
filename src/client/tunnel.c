#include "client/tunnel_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "client/ocirc.h"

enum {
    MOST_ATTEMPTS = 3,     /* streams for one tunnel, as many as tor tries */
    REFUSALS_EVERY_S = 60, /* between two lines about refused requests */
};

/* ---- ending ---- */

static void set_state(struct tunnel *t, enum tunnel_state state)
{
    const struct attach_policy *policy = t->policy;
    t->policy = NULL;
    if (policy)
        policy->ops->forget(policy->arg, t);
    t->state = state;
}

static void disarm(struct tunnel *t)
{
    env_disarm(t->set->env, &t->attempt);
    env_disarm(t->set->env, &t->give_up);
}

void tunnel_free(struct tunnel *t)
{
    static const struct ostream_end gone = {.reason = END_DONE};
    if (t->stream)
        stream_close(t->stream, END_DONE);
    ostream_finish(&t->out, STREAM_CLOSED, &gone);
    set_state(t, CLOSED);
    disarm(t);
    later_cancel(t->set->env, &t->tell);
    login_release(&t->req.asker.login);
    DL_DELETE(t->set->list, t);
    t->set->n--;
    queue_free(&t->early);
    free(t->asked_host);
    free(t);
}

static void tell(void *arg)
{
    struct tunnel *t = arg;
    const struct stream_answer answer = {.kind = ANSWER_IP, .ip = t->answer};
    if (!t->owner_knows && t->answer.family != IP_NONE)
        t->ops->on_resolved(t->arg, &answer, 1);
    if (!t->owner_knows)
        t->ops->on_end(t->arg, &t->end);
    tunnel_free(t);
}

/* TEXT must not name the destination. */
static void end_tunnel(struct tunnel *t, enum tunnel_stage stage, const struct ostream_end *end,
                       const char *text)
{
    if (t->state == CLOSED)
        return;
    t->end = (struct tunnel_end){
        .stage = stage,
        .why = end->why,
        .reason = end->reason,
        .connected = t->state == OPEN,
        .attempts = t->attempts,
    };
    snprintf(t->end.text, sizeof t->end.text, "%s", text);
    bool failed = t->state != OPEN && !t->owner_knows && t->answer.family == IP_NONE;
    ostream_finish(&t->out, failed ? STREAM_FAILED : STREAM_CLOSED, end);
    set_state(t, CLOSED);
    disarm(t);
    later_ask(t->set->env, &t->tell);
}

static void drop_stream(struct tunnel *t, uint8_t reason)
{
    if (t->stream)
        stream_close(t->stream, reason);
    t->stream = NULL;
    t->ride = NULL;
}

void tunnel_stop(struct tunnel *t, enum tunnel_stage stage, err_t why, uint8_t reason,
                 const char *text)
{
    const struct ostream_end end = {.why = why, .reason = reason};
    drop_stream(t, why == ERR_STREAM_TIMEOUT ? END_TIMEOUT : END_DONE);
    end_tunnel(t, stage, &end, text);
}

/* The application hears little of why, so its user is told. */
void tunnel_refuse(struct tunnel *t, enum tunnel_stage stage, err_t why, uint8_t reason,
                   const char *text)
{
    unsigned held_back;
    if (ratelim_pass(&t->set->refusals, t->set->env, REFUSALS_EVERY_S, &held_back))
        log_warn(t->set->env->log, "A request of an application was refused: %s.%s", text,
                 held_back ? " So were others before." : "");
    tunnel_stop(t, stage, why, reason, text);
}

void tunnel_answer(struct tunnel *t, const struct ip *ip)
{
    t->answer = *ip;
    tunnel_stop(t, TUNNEL_STAGE_NONE, OK, END_DONE, "answered without an exit");
}

void tunnel_close(struct tunnel *t, uint8_t reason)
{
    const struct ostream_end end = {.reason = reason};
    t->owner_knows = true;
    drop_stream(t, reason);
    end_tunnel(t, TUNNEL_STAGE_NONE, &end, "closed by the application");
}

/* ---- waiting for a circuit ---- */

struct exit_need tunnel_need(const struct tunnel *t)
{
    return (struct exit_need){
        .request = &t->req,
        .asked_host = tunnel_asked_host(t),
        .exit = t->exit_choice == EXIT_ANY ? NULL : &t->exit,
        .failed = t->failed,
        .n_failed = t->n_failed,
        .avoid_circuit = t->circ_id,
    };
}

bool tunnel_is_particular(const struct tunnel *t)
{
    return t->circ_id || t->n_failed || t->exit_choice != EXIT_ANY;
}

static const struct attach_policy *policy_for(const struct tunnel *t)
{
    const struct tunnels *ts = t->set;
    return tunnel_request_is_dir(&t->req) ? ts->pools : ts->policy;
}

bool tunnel_wait_with(struct tunnel *t, const struct attach_policy *policy)
{
    set_state(t, WAITING);
    if (policy == t->set->pools && !tunnel_aim(t, false))
        return true;
    if (!policy->ops->wait(policy->arg, t))
        return false;
    t->policy = policy;
    if (policy != t->set->pools)
        ostream_tell(&t->out, STREAM_CONTROLLER_WAIT);
    return true;
}

bool tunnel_wait(struct tunnel *t)
{
    return tunnel_wait_with(t, policy_for(t));
}

void tunnel_no_memory(struct tunnel *t)
{
    tunnel_stop(t, TUNNEL_STAGE_CIRCUIT, ERR_NOMEM, END_RESOURCELIMIT, err_text(ERR_NOMEM));
}

static void wait_again(struct tunnel *t)
{
    env_disarm(t->set->env, &t->attempt);
    if (!tunnel_wait(t))
        tunnel_no_memory(t);
}

/* ---- one attempt ---- */

static void exit_failed(struct tunnel *t, const struct rsa_id *exit)
{
    if (t->n_failed < MOST_FAILED)
        t->failed[t->n_failed++] = *exit;
}

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct tunnel *t = arg;
    (void)ttl_s;
    disarm(t);
    t->ride->told(t->ride, RIDE_ANSWERED);
    set_state(t, OPEN);
    ostream_succeed(&t->out, addr);
    t->ops->on_connected(t->arg, addr);
    if (t->state == OPEN && tunnel_early_flush(t) && t->refused_early)
        t->ops->on_writable(t->arg);
}

/* The first address, or none. */
static struct ip first_ip(const struct stream_answer *answers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (answers[i].kind == ANSWER_IP)
            return answers[i].ip;
    return (struct ip){0};
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct tunnel *t = arg;
    struct ip ip = first_ip(answers, n);
    disarm(t);
    t->ride->told(t->ride, RIDE_ANSWERED);
    set_state(t, OPEN);
    ostream_succeed(&t->out, &ip);
    t->ops->on_resolved(t->arg, answers, n);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct tunnel *t = arg;
    t->out.read += len;
    t->ops->on_data(t->arg, bytes, len);
}

static void on_writable(void *arg)
{
    struct tunnel *t = arg;
    if (tunnel_early_flush(t) && t->state == OPEN)
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

static struct ostream_end what_ended(const struct stream_end *end)
{
    return (struct ostream_end){.why = end->why, .reason = end->reason, .remote = end->remote};
}

static void end_with_circuit(struct tunnel *t, const struct stream_end *end)
{
    const struct ostream_end what = what_ended(end);
    char text[sizeof t->end.text];
    end_tunnel(t, TUNNEL_STAGE_CIRCUIT, &what, circ_end_text(&end->circ, text, sizeof text));
    t->end.circuit_ended = true;
    t->end.circ = end->circ;
}

/* Ends T for the reason that its last attempt ended for. */
static void end_as_last(struct tunnel *t)
{
    const struct stream_end last = t->last, *end = &last; /* t->end takes its place */
    const struct ostream_end what = what_ended(end);
    if (end->circuit_ended)
        end_with_circuit(t, end);
    else if (end->why == ERR_STREAM_TIMEOUT)
        end_tunnel(t, TUNNEL_STAGE_TIMEOUT, &what, "no exit answered in time");
    else
        end_tunnel(t, TUNNEL_STAGE_STREAM, &what, end_reason_text(end->reason));
}

void tunnel_cannot(struct tunnel *t, const char *why_not)
{
    if (t->exit_choice == EXIT_TRACKED) {
        tunnel_forget_exit(t);
        wait_again(t); /* for any other */
    } else if (t->attempts)
        end_as_last(t);
    else
        tunnel_refuse(t, TUNNEL_STAGE_STREAM, ERR_NOT_FOUND, END_CANT_ATTACH, why_not);
}

/* What an attempt's end says of the circuit (C tor, connection_ap_process_end_not_open()): of an
 * exit that said INTERNAL nothing is known. */
static void tell_ride(const struct tunnel *t, const struct stream_end *end, bool leaves)
{
    struct ride *r = t->ride;
    if (end->circuit_ended)
        return;
    if (end->remote && (end->reason == END_TORPROTOCOL || end->reason == END_DESTROY))
        r->told(r, RIDE_GARBLED);
    else if (end->remote && end->reason != END_INTERNAL)
        r->told(r, RIDE_ANSWERED);
    if (leaves)
        r->told(r, RIDE_LEFT);
}

static void attempt_failed(struct tunnel *t, const struct stream_end *end)
{
    const struct ostream_end what = what_ended(end);
    unsigned rule = end->circuit_ended ? RETRY : retry_rule(end->reason);
    tell_ride(t, end, rule & RETRY);
    if ((rule & BLAME_EXIT) && t->ride->exit)
        exit_failed(t, t->ride->exit);
    t->ride = NULL;
    t->last = *end;
    if ((rule & RETRY) && t->exit_choice == EXIT_TRACKED)
        tunnel_forget_exit(t);
    if (!(rule & RETRY) || t->attempts >= MOST_ATTEMPTS) {
        end_as_last(t);
        return;
    }
    ostream_detach(&t->out, &what);
    wait_again(t);
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct tunnel *t = arg;
    const struct ostream_end what = what_ended(end);
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
    end_tunnel(t, done ? TUNNEL_STAGE_NONE : TUNNEL_STAGE_STREAM, &what,
               end_reason_text(end->reason));
}

static void on_flow(void *arg, bool ours, uint8_t cmd)
{
    const struct tunnel *t = arg;
    if (cmd == RELAY_XOFF)
        ostream_tell(&t->out, ours ? STREAM_XOFF_SENT : STREAM_XOFF_RECV);
    else
        ostream_tell(&t->out, ours ? STREAM_XON_SENT : STREAM_XON_RECV);
}

static const struct stream_ops stream_ops = {
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_flow = on_flow,
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
    uint64_t began_us = t->set->env->mono_us - attempt_ms(t) * US_PER_MS;
    stream_close(t->stream, END_TIMEOUT);
    t->stream = NULL;
    /* The circuit may be dead without a word, or its link: nobody else should wait for it. */
    const struct ocirc *oc = circuits_find(t->set->circuits, t->circ_id);
    t->ride->retire(t->ride);
    attempt_failed(t, &end);
    if (oc)
        ocirc_unanswered(oc, began_us);
}

void tunnel_detach(struct tunnel *t)
{
    const struct ostream_end end = {.why = ERR_STREAM_TIMEOUT, .reason = END_TIMEOUT};
    if (t->ride)
        t->ride->told(t->ride, RIDE_LEFT);
    drop_stream(t, END_TIMEOUT);
    ostream_detach(&t->out, &end);
    wait_again(t);
}

static void give_up(void *arg)
{
    struct tunnel *t = arg;
    tunnel_stop(t, TUNNEL_STAGE_TIMEOUT, ERR_STREAM_TIMEOUT, END_TIMEOUT,
                t->state == WAITING ? "no circuit could be built in time"
                                    : "the exit did not answer in time");
}

static err_t open_stream(struct tunnel *t, struct ride *ride)
{
    char target[TUNNEL_HOST_MAX + 16];
    bool dir = tunnel_request_is_dir(&t->req);
    struct stream_request req = {
        .kind = dir                             ? STREAM_BEGIN_DIR
                : t->req.kind == TUNNEL_CONNECT ? STREAM_BEGIN
                                                : STREAM_RESOLVE,
        .target = dir ? NULL : target,
        .flags = tunnel_request_flags(&t->req),
    };
    tunnel_request_target(&t->req, target, sizeof target);
    return stream_open(ride->streams, &req, &stream_ops, t, &t->stream);
}

err_t tunnel_attach(struct tunnel *t, struct ride *ride)
{
    err_t e = open_stream(t, ride);
    if (e == OK)
        tunnel_track_exit(t, ride);
    if (e == ERR_LIMIT || e == ERR_STATE)
        ride->retire(ride); /* it is full, or dying: another will do */
    else if (e != OK && e != ERR_FULL)
        tunnel_stop(t, TUNNEL_STAGE_REQUEST, e, END_INTERNAL, err_text(e));
    if (e != OK)
        return e;
    t->attempts++;
    t->ride = ride;
    t->circ_id = t->out.circuit = ride->circuit;
    set_state(t, CONNECTING);
    ostream_tell(&t->out,
                 t->out.purpose == STREAM_DNS_REQUEST ? STREAM_SENTRESOLVE : STREAM_SENTCONNECT);
    env_arm_ms(t->set->env, &t->attempt, attempt_ms(t));
    tunnel_early_begin(t);
    return OK;
}

/* ---- life ---- */

static enum stream_purpose purpose_of(const struct tunnel_request *req)
{
    if (tunnel_request_is_dir(req))
        return STREAM_DIR_FETCH;
    return req->kind == TUNNEL_CONNECT ? STREAM_USER : STREAM_DNS_REQUEST;
}

struct tunnel *tunnel_new(struct tunnels *ts, const struct tunnel_request *req,
                          const struct tunnel_ops *ops, void *arg)
{
    struct tunnel *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    *t = (struct tunnel){.set = ts, .req = *req, .ops = ops, .arg = arg, .state = WAITING};
    tunnel_request_know(&t->req);
    if (req->kind == TUNNEL_RESOLVE_PTR)
        ip_text(&req->ip, t->asked);
    t->out = (struct ostream){.purpose = purpose_of(req),
                              .host = t->asked[0] ? t->asked : t->req.host,
                              .port = req->port,
                              .asker = &t->req.asker,
                              .isolation = &t->req.isolation,
                              .tunnel = t};
    t->since_us = ts->env->mono_us;
    timer_init(&t->attempt, attempt_timed_out, t);
    timer_init(&t->give_up, give_up, t);
    later_init(&t->tell, tell, t);
    tunnel_early_init(t);
    if (!ostream_begin(ts->streams, &t->out)) {
        free(t);
        return NULL;
    }
    login_hold(t->req.asker.login);
    env_arm_ms(ts->env, &t->give_up, ts->config.give_up_ms);
    DL_APPEND(ts->list, t);
    ts->n++;
    return t;
}

uint64_t tunnel_stream(const struct tunnel *t)
{
    return t->out.id;
}

size_t tunnel_write(struct tunnel *t, const uint8_t *bytes, size_t len)
{
    bool is_early = t->state != OPEN || !t->stream || t->early.bytes.len;
    size_t taken =
        is_early ? tunnel_early_write(t, bytes, len) : stream_write(t->stream, bytes, len);
    t->out.written += taken;
    return taken;
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
