/* Streams: BEGIN_DIR, BEGIN, END, RESOLVE, and ids that are nobody's (tor-spec 6.2 to 6.4). */
#include <string.h>

#include "base/rd.h"
#include "cell/reason.h"
#include "cell/relay_stream.h"
#include "check/pdir.h"
#include "check/sections.h"

enum { MANY = 20, UNKNOWN_REASON = 200, NOBODYS = 0x4321 };

static const char ask_own[] = "GET /tor/server/authority HTTP/1.0\r\n\r\n",
                  ask_nothing[] = "GET /tor/no-such-thing HTTP/1.0\r\n\r\n";
static const uint8_t bytes[RELAY_DATA_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};

static void request(struct pcirc *c, uint16_t id, const char *text)
{
    pcirc_send(c, 1, RELAY_DATA, id, text, strlen(text));
}

static void answered(struct trial *t, struct pcirc *c, uint16_t id)
{
    struct pdir_answer a = {.status = 0};
    request(c, id, ask_own);
    pdir_take(c, id, &a);
    TRIAL_EXPECT(t, a.status, "the stream's request is not answered");
    pdir_free(&a);
}

/* ---- BEGIN_DIR ---- */

static void begin_dir(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    answered(t, c, pcirc_begin_dir(c));
}

static void connected_empty(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_new_stream(c);
    struct pmsg m;
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    if (!pcirc_await(c, RELAY_CONNECTED, id, &m))
        return;
    for (size_t i = 0; i < m.len; i++)
        TRIAL_EXPECT(t, !m.data[i], "CONNECTED has a body that is not zero");
}

static void begin_dir_body(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_new_stream(c);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, bytes, sizeof bytes);
    (void)pcirc_await(c, RELAY_CONNECTED, id, NULL);
}

static void early_data(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a = {.status = 0};
    uint16_t id = pcirc_new_stream(c);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    request(c, id, ask_own);
    if (pcirc_await(c, RELAY_CONNECTED, id, NULL))
        pdir_take(c, id, &a);
    TRIAL_EXPECT(t, a.status, "the request is not answered");
    pdir_free(&a);
}

static void id_most(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, UINT16_MAX, NULL, 0);
    if (pcirc_await(c, RELAY_CONNECTED, UINT16_MAX, NULL))
        answered(t, c, UINT16_MAX);
}

static void id_in_use(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_begin_dir(c);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    answered(t, c, id);
}

/* ---- several at once ---- */

struct talk {
    uint16_t id;
    bool ended;
    unsigned status;
};

/* Takes messages until all N streams have ended. */
static void take_all(struct trial *t, struct pcirc *c, struct talk *talk, size_t n)
{
    size_t left = n, i;
    struct pmsg m;
    if (trial_goes_on(t))
        trial_awaits(t, "answers on %zu streams", n);
    while (left && pcirc_next(c, &m)) {
        for (i = 0; i < n && talk[i].id != m.stream_id; i++)
            continue;
        TRIAL_EXPECT(t, i < n && !talk[i].ended && (m.cmd == RELAY_DATA || m.cmd == RELAY_END),
                     "a message came that is no part of an answer");
        if (!trial_goes_on(t))
            return;
        if (m.cmd == RELAY_DATA && !talk[i].status && m.len >= 12) /* "HTTP/1.0 200" */
            talk[i].status =
                (unsigned)((m.data[9] - '0') * 100 + (m.data[10] - '0') * 10 + (m.data[11] - '0'));
        talk[i].ended = m.cmd == RELAY_END;
        left -= talk[i].ended;
    }
}

static void interleaved(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct talk talk[2] = {{.id = pcirc_begin_dir(c)}, {.id = pcirc_begin_dir(c)}};
    size_t half = sizeof ask_own / 2;
    pcirc_send(c, 1, RELAY_DATA, talk[0].id, ask_own, half);
    request(c, talk[1].id, ask_nothing);
    pcirc_send(c, 1, RELAY_DATA, talk[0].id, ask_own + half, sizeof ask_own - 1 - half);
    take_all(t, c, talk, 2);
    TRIAL_EXPECT(t, talk[0].status && talk[1].status == 404,
                 "the answers are %u and %u: what was asked on one stream went to the other",
                 talk[0].status, talk[1].status);
}

static void many(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct talk talk[MANY] = {{.id = 0}};
    for (size_t i = 0; i < MANY; i++)
        talk[i].id = pcirc_begin_dir(c);
    for (size_t i = 0; i < MANY; i++)
        request(c, talk[i].id, ask_nothing);
    take_all(t, c, talk, MANY);
}

/* ---- END ---- */

static void end_done(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a;
    pdir_get(c, "/tor/server/authority", "", &a);
    TRIAL_EXPECT(t, a.end_reason == END_DONE, "the reason is %s, not DONE",
                 end_reason_name(a.end_reason));
    pdir_free(&a);
}

static void nothing_after_end(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a;
    pdir_get(c, "/tor/server/authority", "", &a);
    pdir_free(&a);
    pcirc_await_alive(c);
}

/* The circuit bears END, and what is asked for on that stream later is not answered. tor-spec 6.3:
 * what comes after END "can" be treated as a violation: DESTROY is as good. */
static void ends(struct trial *t, const void *data, size_t len)
{
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_begin_dir(c);
    pcirc_send(c, 1, RELAY_END, id, data, len);
    pcirc_await_alive(c);
    request(c, id, ask_own);
    uint16_t next = pcirc_new_stream(c);
    struct pmsg m;
    pcirc_send(c, 1, RELAY_BEGIN_DIR, next, NULL, 0);
    (void)pcirc_await_or_destroy(c, RELAY_CONNECTED, next, &m);
}

static void end(struct trial *t)
{
    static const uint8_t misc[] = {END_MISC};
    ends(t, misc, sizeof misc);
}

static void end_unknown_reason(struct trial *t)
{
    static const uint8_t reason[] = {UNKNOWN_REASON};
    ends(t, reason, sizeof reason);
}

static void end_empty(struct trial *t)
{
    ends(t, NULL, 0);
}

static void end_odd_length(struct trial *t)
{
    static const uint8_t body[] = {END_EXITPOLICY, 192, 0, 2};
    ends(t, body, sizeof body);
}

/* ---- ids of nobody ---- */

static void ignores(struct trial *t, uint8_t cmd, uint16_t id, const void *data, size_t len)
{
    struct pcirc *c = pcirc_fast(t);
    pcirc_send(c, 1, cmd, id, data, len);
    pcirc_await_alive(c);
}

/* The relay has ended the stream, and we are as if we had not heard of it yet. */
static void ignores_late(struct trial *t, uint8_t cmd, const void *data, size_t len)
{
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a;
    pdir_get(c, "/tor/no-such-thing", "", &a);
    pdir_free(&a);
    pcirc_send(c, 1, cmd, c ? c->last_stream : 0, data, len);
    pcirc_await_alive(c);
}

static void data_ended(struct trial *t)
{
    ignores_late(t, RELAY_DATA, ask_own, sizeof ask_own - 1);
}

static void end_ended(struct trial *t)
{
    ignores_late(t, RELAY_END, bytes, 1);
}

static void sendme_unknown(struct trial *t)
{
    ignores(t, RELAY_SENDME, NOBODYS, NULL, 0);
}

static void connected_unknown(struct trial *t)
{
    ignores(t, RELAY_CONNECTED, NOBODYS, NULL, 0);
}

static void begin_dir_zero(struct trial *t)
{
    ignores(t, RELAY_BEGIN_DIR, 0, NULL, 0);
}

static void data_zero(struct trial *t)
{
    ignores(t, RELAY_DATA, 0, ask_own, sizeof ask_own - 1);
}

static void end_zero(struct trial *t)
{
    ignores(t, RELAY_END, 0, bytes, 1);
}

static void connected_open(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    pcirc_send(c, 1, RELAY_CONNECTED, pcirc_begin_dir(c), NULL, 0);
    (void)pcirc_await_destroy(c);
}

/* ---- BEGIN ---- */

static bool says_it_tried(uint8_t reason)
{
    return reason == END_RESOLVEFAILED || reason == END_CONNECTREFUSED || reason == END_TIMEOUT ||
           reason == END_NOROUTE || reason == END_CONNRESET;
}

/* tor-spec 5.4: "ORs SHOULD also tear down circuits which attempt to create streams with
 * RELAY_BEGIN
 * [..] ending at the first hop"; C tor ends the stream alone. */
static void refuses(struct trial *t, const char *target, size_t len)
{
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_new_stream(c);
    struct pmsg m;
    pcirc_send(c, 1, RELAY_BEGIN, id, target, len);
    if (pcirc_await_or_destroy(c, RELAY_END, id, &m) && m.len)
        TRIAL_EXPECT(t, !says_it_tried(m.data[0]), "END(%s) came: it has tried",
                     end_reason_name(m.data[0]));
}

static void begin_one_hop(struct trial *t)
{
    static const char target[] = "192.0.2.1:80";
    refuses(t, target, sizeof target);
}

static void begin_no_nul(struct trial *t)
{
    static const char target[] = "192.0.2.1:80";
    refuses(t, target, sizeof target - 1);
}

static void begin_no_port(struct trial *t)
{
    static const char target[] = "192.0.2.1";
    refuses(t, target, sizeof target);
}

static void begin_port_0(struct trial *t)
{
    static const char target[] = "192.0.2.1:0";
    refuses(t, target, sizeof target);
}

/* ---- RESOLVE ---- */

/* RESOLVE of NAME, and its answer; false: there is none. */
static bool resolve(struct pcirc *c, const char *name, uint16_t *id, struct relay_resolved *out)
{
    struct pmsg m;
    *id = pcirc_new_stream(c);
    pcirc_send(c, 1, RELAY_RESOLVE, *id, name, strlen(name) + 1);
    if (!pcirc_await(c, RELAY_RESOLVED, *id, &m))
        return false;
    if (relay_resolved_decode(rd_over(m.data, m.len), out) != OK)
        trial_fail(c->p->t, "RESOLVED is malformed");
    return trial_goes_on(c->p->t);
}

static void resolve_any(struct trial *t)
{
    struct relay_resolved said;
    uint16_t id;
    if (resolve(pcirc_fast(t), "192.0.2.7", &id, &said))
        TRIAL_EXPECT(t, said.n, "RESOLVED has no answer");
}

static void resolve_error(struct trial *t)
{
    struct relay_resolved said;
    uint16_t id;
    if (resolve(pcirc_fast(t), "no-address.in-addr.arpa", &id, &said))
        TRIAL_EXPECT(t,
                     said.n == 1 && (said.a[0].type == ANSWER_ERROR ||
                                     said.a[0].type == ANSWER_ERROR_TRANSIENT),
                     "the answer is not an error alone");
}

static void resolve_no_stream(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_fast(t);
    struct relay_resolved said;
    uint16_t id;
    if (!resolve(c, "192.0.2.7", &id, &said))
        return;
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    (void)pcirc_await(c, RELAY_CONNECTED, id, NULL);
}

static void resolve_in_use(struct trial *t)
{
    static const char name[] = "192.0.2.7";
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_begin_dir(c);
    pcirc_send(c, 1, RELAY_RESOLVE, id, name, sizeof name);
    answered(t, c, id);
}

static const struct check_case cases[] = {
    {"streams/begin-dir", CHECK_MUST, "tor-spec 6.2.1",
     "answers BEGIN_DIR with CONNECTED, and then requests", begin_dir, NEEDS_NOTHING},
    {"streams/connected-empty", CHECK_MUST, "tor-spec 6.2.1",
     "answers BEGIN_DIR with a CONNECTED that says nothing", connected_empty, NEEDS_NOTHING},
    {"streams/begin-dir-body", CHECK_MUST, "tor-spec 6.2.1", "ignores the body of BEGIN_DIR",
     begin_dir_body, NEEDS_NOTHING},
    {"streams/early-data", CHECK_MUST, "tor-spec 6.2",
     "takes DATA that is sent before it has said CONNECTED", early_data, NEEDS_NOTHING},
    {"streams/id-most", CHECK_MUST, "tor-spec 6.1", "takes stream id 65535 as it takes 1", id_most,
     NEEDS_NOTHING},
    {"streams/id-in-use", CHECK_SHOULD, "tor-spec 6.2",
     "drops BEGIN_DIR with the id of an open stream, which goes on", id_in_use, NEEDS_NOTHING},
    {"streams/interleaved", CHECK_MUST, "tor-spec 6.1", "keeps apart the data of two streams",
     interleaved, NEEDS_NOTHING},
    {"streams/many", CHECK_MUST, "tor-spec 6.1", "serves 20 streams of a circuit at once", many,
     NEEDS_NOTHING},
    {"streams/end-done", CHECK_MUST, "tor-spec 6.3",
     "ends a stream with END, reason DONE, when all has been sent", end_done, NEEDS_NOTHING},
    {"streams/nothing-after-end", CHECK_MUST, "tor-spec 6.3",
     "sends nothing more about a stream after END", nothing_after_end, NEEDS_NOTHING},
    {"streams/end", CHECK_MUST, "tor-spec 6.3", "closes a stream when END comes", end,
     NEEDS_NOTHING},
    {"streams/end-unknown-reason", CHECK_MUST, "tor-spec 6.3",
     "accepts END with a reason that it does not know", end_unknown_reason, NEEDS_NOTHING},
    {"streams/end-empty", CHECK_SHOULD, "tor-spec 6.3", "accepts END without a reason", end_empty,
     NEEDS_NOTHING},
    {"streams/end-odd-length", CHECK_SHOULD, "tor-spec 6.3",
     "processes END even if the address in it has a wrong length", end_odd_length, NEEDS_NOTHING},
    {"streams/data-ended", CHECK_MUST, "tor-spec 6.3",
     "drops DATA of a stream that it has ended: it may have been on its way", data_ended,
     NEEDS_NOTHING},
    {"streams/end-ended", CHECK_MUST, "tor-spec 6.3",
     "drops END of a stream that it has ended: it may have been on its way", end_ended,
     NEEDS_NOTHING},
    {"streams/sendme-unknown", CHECK_SHOULD, "tor-spec 7.4",
     "drops SENDME of a stream that it does not know", sendme_unknown, NEEDS_NOTHING},
    {"streams/connected-unknown", CHECK_SHOULD, "tor-spec 6.2",
     "drops CONNECTED of a stream that it does not know", connected_unknown, NEEDS_NOTHING},
    {"streams/connected-open", CHECK_SHOULD, "tor-spec 6.1",
     "takes the circuit down if CONNECTED, which only relays send, comes for an open stream",
     connected_open, NEEDS_NOTHING},
    {"streams/begin-dir-zero", CHECK_MUST, "tor-spec 6.1", "opens no stream with id 0",
     begin_dir_zero, NEEDS_NOTHING},
    {"streams/data-zero", CHECK_SHOULD, "tor-spec 6.1", "drops DATA with stream id 0", data_zero,
     NEEDS_NOTHING},
    {"streams/end-zero", CHECK_SHOULD, "tor-spec 6.1", "drops END with stream id 0", end_zero,
     NEEDS_NOTHING},
    {"streams/begin-one-hop", CHECK_SHOULD, "tor-spec 5.4",
     "refuses BEGIN of a circuit of one hop: it is no proxy", begin_one_hop, NEEDS_NOTHING},
    {"streams/begin-no-nul", CHECK_SHOULD, "tor-spec 6.2",
     "refuses BEGIN whose address does not end", begin_no_nul, NEEDS_NOTHING},
    {"streams/begin-no-port", CHECK_SHOULD, "tor-spec 6.2", "refuses BEGIN without a port",
     begin_no_port, NEEDS_NOTHING},
    {"streams/begin-port-0", CHECK_SHOULD, "tor-spec 6.2", "refuses BEGIN to port 0", begin_port_0,
     NEEDS_NOTHING},
    {"streams/resolve", CHECK_MUST, "tor-spec 6.4", "answers RESOLVE with RESOLVED of the same id",
     resolve_any, NEEDS_NOTHING},
    {"streams/resolve-error", CHECK_MUST, "tor-spec 6.4",
     "answers RESOLVE of what cannot be with one error and no more", resolve_error, NEEDS_NOTHING},
    {"streams/resolve-no-stream", CHECK_MUST, "tor-spec 6.4", "makes no stream of RESOLVE",
     resolve_no_stream, NEEDS_NOTHING},
    {"streams/resolve-in-use", CHECK_SHOULD, "tor-spec 6.4",
     "drops RESOLVE with the id of an open stream, which goes on", resolve_in_use, NEEDS_NOTHING},
};
const struct check_section check_streams = {"streams", "Streams", cases,
                                            sizeof cases / sizeof *cases};
