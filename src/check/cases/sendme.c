/* Flow control of circuits and streams (tor-spec 7.3 and 7.4), and under congestion control
 * (proposal 324). */
#include <stdio.h>
#include <string.h>

#include "base/rd.h"
#include "cell/ext.h"
#include "cell/relay_flow.h"
#include "check/pdir.h"
#include "check/sections.h"
#include "circuit/tor1.h"

enum {
    CIRC_WINDOW = 1000,
    CIRC_STEP = 100,
    STREAM_WINDOW = 500,
    STREAM_STEP = 50,
    TAGS = CIRC_WINDOW / CIRC_STEP + 2,
    SENDME_LEN = 3 + SENDME_TAG_V0,
    STREAMS_MOST = 300,
    QUIET_MS = 250,
    NOBODYS = 0x4321,
};

/* ---- what we send, and SENDMEs for it ---- */

/* DATA that is part of a header line without end, so that nobody answers. */
static void send_data(struct pcirc *c, uint16_t id, unsigned n)
{
    static const char head[] = "GET /tor/no-such-thing HTTP/1.0\r\nX-Long: ";
    for (unsigned i = 0; i < n; i++)
        pcirc_send(c, 1, RELAY_DATA, id, i ? "x" : head, i ? 1 : sizeof head - 1);
}

/* So many SENDMEs about the circuit and about a stream come, in any order; the last of each is
 * copied. */
struct sendmes {
    unsigned circ, stream;
    uint8_t body[RELAY_DATA_MAX];
    size_t len, stream_len;
};

static void await_sendmes(struct trial *t, struct pcirc *c, unsigned circ, unsigned stream,
                          struct sendmes *out)
{
    struct pmsg m;
    *out = (struct sendmes){.circ = 0};
    if (trial_goes_on(t))
        trial_awaits(t, "%u SENDMEs of the circuit and %u of the stream", circ, stream);
    while ((out->circ < circ || out->stream < stream) && pcirc_next(c, &m)) {
        TRIAL_EXPECT(t, m.cmd == RELAY_SENDME, "something else than SENDME came");
        if (m.stream_id) {
            out->stream++;
            out->stream_len = m.len;
            continue;
        }
        out->circ++;
        out->len = m.len;
        memcpy(out->body, m.data, m.len);
    }
    TRIAL_EXPECT(t, out->circ == circ && out->stream == stream,
                 "%u SENDMEs of the circuit and %u of the stream came", out->circ, out->stream);
}

static void circuit(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    send_data(c, pcirc_begin_dir(c), CIRC_STEP);
    await_sendmes(t, c, 1, CIRC_STEP / STREAM_STEP, &s);
    pcirc_await_alive(c);
}

static void circuit_not_early(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    send_data(c, pcirc_begin_dir(c), CIRC_STEP - 1);
    await_sendmes(t, c, 0, 1, &s);
    pcirc_await_alive(c);
}

static void circuit_unknown_stream(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    send_data(c, NOBODYS, CIRC_STEP);
    await_sendmes(t, c, 1, 0, &s);
}

static void only_data(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    for (int i = 0; i < CIRC_STEP + STREAM_STEP; i++)
        pcirc_send(c, 1, RELAY_DROP, 0, NULL, 0);
    pcirc_await_alive(c);
}

static void version(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    send_data(c, pcirc_begin_dir(c), CIRC_STEP);
    await_sendmes(t, c, 1, CIRC_STEP / STREAM_STEP, &s);
    TRIAL_EXPECT(t, s.len >= SENDME_LEN && s.body[0] == 1 && s.body[2] == SENDME_TAG_V0,
                 "it is not of version 1 with a tag of 20 bytes");
}

/* The tag of S is that of the last cell that we sent. */
static void expect_tag(struct trial *t, const struct pcirc *c, const struct sendmes *s)
{
    TRIAL_EXPECT(t, s->len >= SENDME_LEN && !memcmp(s->body + 3, c->sent_tag, SENDME_TAG_V0),
                 "its tag is not that of the cell that it answers");
}

static void tag(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    uint16_t id = pcirc_begin_dir(c);
    for (int i = 0; i < 3; i++) {
        send_data(c, id, CIRC_STEP);
        await_sendmes(t, c, 1, CIRC_STEP / STREAM_STEP, &s);
        if (c)
            expect_tag(t, c, &s);
    }
}

static void stream(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    send_data(c, pcirc_begin_dir(c), STREAM_STEP);
    await_sendmes(t, c, 0, 1, &s);
    pcirc_await_alive(c);
}

static void stream_not_early(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    send_data(c, pcirc_begin_dir(c), STREAM_STEP - 1);
    pcirc_await_alive(c);
}

static void stream_empty(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    struct sendmes s;
    send_data(c, pcirc_begin_dir(c), STREAM_STEP);
    await_sendmes(t, c, 0, 1, &s);
    TRIAL_EXPECT(t, !s.stream_len, "SENDME of the stream has a body of %zu bytes", s.stream_len);
}

/* ---- what the relay sends, and SENDMEs for that ---- */

/* The largest document that we know the relay has, and its length in DATA messages; 0: none. */
static unsigned largest(struct trial *t, const char **path)
{
    static const char *const paths[] = {"/tor/status-vote/current/consensus",
                                        "/tor/server/authority"};
    struct pcirc *c = pcirc_fast(t);
    unsigned cells = 0;
    for (size_t i = 0; i < 2 && !cells && trial_goes_on(t); i++) {
        struct pdir_answer a;
        pdir_get(c, paths[i], "", &a);
        *path = paths[i];
        cells = a.status == 200 ? a.cells : 0;
        pdir_free(&a);
    }
    return cells;
}

/* DATA on its way to us on one circuit. */
struct incoming {
    struct trial *t;
    struct pcirc *c;
    unsigned data; /* messages so far */
    unsigned by_stream[STREAMS_MOST + 1];
    uint8_t tag[TAGS][SENDME_TAG_V0];
    bool circ_sendmes, stream_sendmes; /* whether we send them when they are due */
};

static void send_sendme(struct pcirc *c, uint8_t version_, const uint8_t *tag_, size_t len)
{
    uint8_t body[SENDME_LEN] = {version_, 0, (uint8_t)len};
    memcpy(body + 3, tag_, len);
    pcirc_send(c, 1, RELAY_SENDME, 0, body, 3 + len);
}

/* Asks for DATA messages in all, on as many streams as it takes. */
static bool ask_for(struct incoming *f, struct pcirc *(*make)(struct trial *t), unsigned data)
{
    char request[128];
    const char *path = "";
    unsigned cells = largest(f->t, &path), n = cells ? (data + cells - 1) / cells : 0;
    if (!trial_goes_on(f->t))
        return false;
    if (!n || n > STREAMS_MOST) {
        trial_skip(f->t, "the relay has no document that is large enough");
        return false;
    }
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path);
    f->c = make(f->t);
    for (unsigned i = 0; i < n; i++) {
        uint16_t id = pcirc_new_stream(f->c);
        pcirc_send(f->c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
        pcirc_send(f->c, 1, RELAY_DATA, id, request, (size_t)len);
    }
    return trial_goes_on(f->t);
}

static void count(struct incoming *f, const struct pmsg *m)
{
    if (m->cmd != RELAY_DATA || !m->stream_id || m->stream_id > STREAMS_MOST)
        return; /* CONNECTED, END, SENDME for what we asked */
    f->data++;
    if (f->data % CIRC_STEP == 0 && f->data / CIRC_STEP <= TAGS) {
        uint8_t *at = f->tag[f->data / CIRC_STEP - 1];
        memcpy(at, f->c->got_tag, SENDME_TAG_V0);
        if (f->circ_sendmes)
            send_sendme(f->c, 1, at, SENDME_TAG_V0);
    }
    if (++f->by_stream[m->stream_id] % STREAM_STEP == 0 && f->stream_sendmes)
        pcirc_send(f->c, 1, RELAY_SENDME, m->stream_id, NULL, 0);
}

/* DATA come until there have been N in all. */
static bool take(struct incoming *f, unsigned n)
{
    struct pmsg m;
    if (trial_goes_on(f->t))
        trial_awaits(f->t, "%u DATA", n);
    while (f->data < n && pcirc_next(f->c, &m))
        count(f, &m);
    return trial_goes_on(f->t);
}

/* N DATA come in all, and then no more. */
static void take_only(struct incoming *f, unsigned n)
{
    struct pmsg m;
    err_t e = OK;
    if (!take(f, n))
        return;
    trial_awaits(f->t, "no more than %u DATA", n);
    while (e == OK && f->data == n)
        if ((e = pcirc_poll(f->c, QUIET_MS, &m)) == OK)
            count(f, &m);
    TRIAL_EXPECT(f->t, f->data == n, "DATA came although the window was used up");
    TRIAL_EXPECT(f->t, e == ERR_MORE, "the circuit did not stay: %s", err_text(e));
}

static void circuit_window(struct trial *t)
{
    struct incoming f = {.t = t, .stream_sendmes = true};
    if (ask_for(&f, pcirc_fast, CIRC_WINDOW + CIRC_STEP))
        take_only(&f, CIRC_WINDOW);
}

static void circuit_window_opens(struct trial *t)
{
    struct incoming f = {.t = t, .stream_sendmes = true};
    if (!ask_for(&f, pcirc_ntor, CIRC_WINDOW + 3 * CIRC_STEP) || !take(&f, CIRC_WINDOW))
        return;
    send_sendme(f.c, 1, f.tag[0], SENDME_TAG_V0);
    take_only(&f, CIRC_WINDOW + CIRC_STEP);
}

/* A document on one stream that is larger than its window. */
static bool ask_for_long(struct incoming *f)
{
    const char *path;
    if (largest(f->t, &path) < STREAM_WINDOW + 2 * STREAM_STEP && trial_goes_on(f->t))
        trial_skip(f->t, "the relay has no document that is larger than a stream's window");
    return trial_goes_on(f->t) && ask_for(f, pcirc_fast, 1);
}

static void stream_window(struct trial *t)
{
    struct incoming f = {.t = t, .circ_sendmes = true};
    if (ask_for_long(&f))
        take_only(&f, STREAM_WINDOW);
}

static void stream_window_opens(struct trial *t)
{
    struct incoming f = {.t = t, .circ_sendmes = true};
    if (!ask_for_long(&f) || !take(&f, STREAM_WINDOW))
        return;
    pcirc_send(f.c, 1, RELAY_SENDME, f.c->last_stream, NULL, 0);
    take_only(&f, STREAM_WINDOW + STREAM_STEP);
}

/* ---- SENDMEs that are wrong ---- */

/* One SENDME is due, for DATA on a circuit of the ntor handshake: with CREATE_FAST, tor also takes
 * SENDMEs of version 0. */
static bool one_is_due(struct incoming *f)
{
    f->stream_sendmes = true;
    return ask_for(f, pcirc_ntor, CIRC_STEP) && take(f, CIRC_STEP);
}

static void wrong_tag(struct trial *t)
{
    struct incoming f = {.t = t};
    if (!one_is_due(&f))
        return;
    f.tag[0][SENDME_TAG_V0 - 1] ^= 1;
    send_sendme(f.c, 1, f.tag[0], SENDME_TAG_V0);
    (void)pcirc_await_destroy(f.c);
}

static void short_tag(struct trial *t)
{
    struct incoming f = {.t = t};
    if (!one_is_due(&f))
        return;
    send_sendme(f.c, 1, f.tag[0], SENDME_TAG_V0 / 2);
    (void)pcirc_await_destroy(f.c);
}

static void unknown_version(struct trial *t)
{
    struct incoming f = {.t = t};
    if (!one_is_due(&f))
        return;
    send_sendme(f.c, 7, f.tag[0], SENDME_TAG_V0);
    (void)pcirc_await_destroy(f.c);
}

static void unasked(struct trial *t)
{
    static const uint8_t none[SENDME_TAG_V0] = {0};
    struct pcirc *c = pcirc_ntor(t);
    send_sendme(c, 1, none, sizeof none);
    (void)pcirc_await_destroy(c);
}

static void twice(struct trial *t)
{
    struct incoming f = {.t = t};
    if (!one_is_due(&f))
        return;
    send_sendme(f.c, 1, f.tag[0], SENDME_TAG_V0);
    send_sendme(f.c, 1, f.tag[0], SENDME_TAG_V0);
    (void)pcirc_await_destroy(f.c);
}

static void stream_unasked(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    uint16_t id = pcirc_begin_dir(c);
    pcirc_send(c, 1, RELAY_SENDME, id, NULL, 0);
    (void)pcirc_await_destroy(c);
}

/* The value of a parameter of the relay's consensus, or DEFAULT_; -1: it has no consensus. */
static int parameter(struct trial *t, const char *name, int default_)
{
    struct pcirc *c = pcirc_fast(t);
    struct pdir_answer a;
    struct text rest, line, word, key;
    uint64_t value = 0;
    int found = default_;
    pdir_get(c, "/tor/status-vote/current/consensus", "", &a);
    rest = a.body;
    while (a.status == 200 && text_line(&rest, &line)) {
        if (!text_token(&line, &word) || !text_is(word, "params"))
            continue;
        while (text_token(&line, &word))
            if (text_split(&word, '=', &key) && text_is(key, name) &&
                text_to_u64(word, 255, &value) == OK)
                found = (int)value;
    }
    found = a.status == 200 ? found : -1;
    pdir_free(&a);
    return found;
}

static void version_0(struct trial *t)
{
    int least = parameter(t, "sendme_accept_min_version", 0);
    struct incoming f = {.t = t};
    if (trial_goes_on(t) && least < 0)
        trial_skip(t, "the relay has no consensus that says which versions it takes");
    if (!trial_goes_on(t) || !one_is_due(&f))
        return;
    pcirc_send(f.c, 1, RELAY_SENDME, 0, NULL, 0);
    if (least > 0) {
        (void)pcirc_await_destroy(f.c);
        return;
    }
    /* Something that is answered: BEGIN_DIR. */
    uint16_t id = pcirc_new_stream(f.c);
    struct pmsg m = {.cmd = 0};
    pcirc_send(f.c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    while (pcirc_next(f.c, &m) && !(m.cmd == RELAY_CONNECTED && m.stream_id == id))
        continue;
}

/* ---- congestion control ---- */

/* A circuit under congestion control, and how many DATA make a SENDME. */
static struct pcirc *make_cc(struct trial *t, uint8_t *inc)
{
    static const uint8_t request[] = {1, CIRC_EXT_CC_REQUEST, 0};
    uint8_t said[CREATE2_DATA_MAX];
    struct wr w = wr_over(said, sizeof said);
    struct exts exts;
    struct pcirc *c = pcirc_ntor_v3_on(probe_link(t), &tor1_kind, request, sizeof request, &w);
    *inc = 0;
    if (!trial_goes_on(t))
        return c;
    const struct ext *e = exts_decode_all(rd_over(said, w.len), &exts) == OK
                              ? exts_find(&exts, CIRC_EXT_CC_RESPONSE)
                              : NULL;
    if (!e || ext_cc_response_decode(e, inc) != OK)
        trial_skip(t, "the relay grants no congestion control");
    return c;
}

static void cc_step(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    struct sendmes s;
    uint16_t id = pcirc_begin_dir(c);
    for (int i = 0; i < 2 && trial_goes_on(t); i++) {
        send_data(c, id, inc - 1u);
        pcirc_await_alive(c);
        send_data(c, id, 1);
        await_sendmes(t, c, 1, 0, &s);
    }
}

static void cc_tag(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    struct sendmes s;
    send_data(c, pcirc_begin_dir(c), inc);
    await_sendmes(t, c, 1, 0, &s);
    if (c)
        expect_tag(t, c, &s);
}

static void cc_no_stream_sendmes(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    struct sendmes s;
    if (!trial_goes_on(t))
        return;
    unsigned n = 2 * STREAM_STEP;
    send_data(c, pcirc_begin_dir(c), n);
    await_sendmes(t, c, n / inc, 0, &s);
    pcirc_await_alive(c);
}

static void cc_stream_sendme(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    pcirc_send(c, 1, RELAY_SENDME, pcirc_begin_dir(c), NULL, 0);
    (void)pcirc_await_destroy(c);
}

/* ---- XOFF and XON ---- */

static const uint8_t xoff[] = {0}, xon[] = {0, 0, 0, 0, 0};

static uint16_t begin_and_xoff(struct pcirc *c)
{
    static const char request[] = "GET /tor/server/authority HTTP/1.0\r\n\r\n";
    uint16_t id = pcirc_begin_dir(c);
    pcirc_send(c, 1, RELAY_XOFF, id, xoff, sizeof xoff);
    pcirc_send(c, 1, RELAY_DATA, id, request, sizeof request - 1);
    return id;
}

static void cc_xoff(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    struct pmsg m;
    (void)begin_and_xoff(c);
    pcirc_await_alive(c);
    if (!trial_goes_on(t))
        return;
    trial_awaits(t, "nothing");
    TRIAL_EXPECT(t, pcirc_poll(c, QUIET_MS, &m) == ERR_MORE, "something came in spite of XOFF");
}

static void answer_comes(struct trial *t, struct pcirc *c, uint16_t id)
{
    struct pdir_answer a = {.status = 0};
    pdir_take(c, id, &a);
    TRIAL_EXPECT(t, a.status, "the stream's request is not answered");
    pdir_free(&a);
}

static void cc_xon(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    uint16_t id = begin_and_xoff(c);
    pcirc_await_alive(c);
    pcirc_send(c, 1, RELAY_XON, id, xon, sizeof xon);
    answer_comes(t, c, id);
}

static void xoff_fixed(struct trial *t)
{
    struct pcirc *c = pcirc_fast(t);
    answer_comes(t, c, begin_and_xoff(c));
}

static void xoff_unknown(struct trial *t)
{
    uint8_t inc;
    struct pcirc *c = make_cc(t, &inc);
    pcirc_send(c, 1, RELAY_XOFF, NOBODYS, xoff, sizeof xoff);
    pcirc_send(c, 1, RELAY_XON, NOBODYS, xon, sizeof xon);
    pcirc_await_alive(c);
}

static const struct check_case cases[] = {
    {"sendme/circuit", CHECK_MUST, "tor-spec 7.3", "sends a SENDME for 100 DATA of a circuit",
     circuit, NEEDS_NOTHING},
    {"sendme/circuit-not-early", CHECK_MUST, "tor-spec 7.3", "sends none for 99 DATA",
     circuit_not_early, NEEDS_NOTHING},
    {"sendme/circuit-unknown-stream", CHECK_SHOULD, "tor-spec 7.3",
     "counts DATA of streams that it does not know", circuit_unknown_stream, NEEDS_NOTHING},
    {"sendme/only-data", CHECK_MUST, "tor-spec 7.3", "counts no messages but DATA", only_data,
     NEEDS_NOTHING},
    {"sendme/version", CHECK_MUST, "tor-spec 7.3.1", "sends SENDMEs of version 1", version,
     NEEDS_NOTHING},
    {"sendme/tag", CHECK_MUST, "tor-spec 7.3.1",
     "puts the digest of the cell that it answers into each SENDME", tag, NEEDS_NOTHING},
    {"sendme/stream", CHECK_MUST, "tor-spec 7.4", "sends a SENDME for 50 DATA of a stream", stream,
     NEEDS_NOTHING},
    {"sendme/stream-not-early", CHECK_MUST, "tor-spec 7.4", "sends none for 49 DATA of a stream",
     stream_not_early, NEEDS_NOTHING},
    {"sendme/stream-empty", CHECK_SHOULD, "tor-spec 7.4", "leaves SENDMEs of streams empty",
     stream_empty, NEEDS_NOTHING},
    {"sendme/circuit-window", CHECK_MUST, "tor-spec 7.3", "stops at 1000 DATA without a SENDME",
     circuit_window, NEEDS_NOTHING},
    {"sendme/circuit-window-opens", CHECK_MUST, "tor-spec 7.3",
     "sends 100 DATA more for one SENDME", circuit_window_opens, NEEDS_KEY},
    {"sendme/stream-window", CHECK_MUST, "tor-spec 7.4",
     "stops at 500 DATA of a stream without a SENDME", stream_window, NEEDS_NOTHING},
    {"sendme/stream-window-opens", CHECK_MUST, "tor-spec 7.4",
     "sends 50 DATA more for one SENDME of the stream", stream_window_opens, NEEDS_NOTHING},
    {"sendme/wrong-tag", CHECK_MUST, "tor-spec 7.3",
     "takes the circuit down if the tag of a SENDME is wrong", wrong_tag, NEEDS_KEY},
    {"sendme/short-tag", CHECK_MUST, "tor-spec 7.3.1",
     "takes the circuit down if the tag of a SENDME is shorter than 20 bytes", short_tag,
     NEEDS_KEY},
    {"sendme/unknown-version", CHECK_MUST, "tor-spec 7.3.1",
     "takes the circuit down if it does not know the version of a SENDME", unknown_version,
     NEEDS_KEY},
    {"sendme/version-0", CHECK_MUST, "tor-spec 7.3.1",
     "accepts SENDMEs of version 0 if, and only if, the consensus lets it", version_0, NEEDS_KEY},
    {"sendme/unasked", CHECK_MUST, "prop 289 3.2",
     "takes the circuit down if a SENDME comes when none is due", unasked, NEEDS_KEY},
    {"sendme/twice", CHECK_MUST, "prop 289 3.2", "counts a SENDME but once", twice, NEEDS_KEY},
    {"sendme/stream-unasked", CHECK_SHOULD, "tor-spec 7.4",
     "takes the circuit down if a stream's SENDME would make its window larger than 500",
     stream_unasked, NEEDS_NOTHING},
    {"sendme/cc-step", CHECK_MUST, "prop 324 2.2",
     "sends, under congestion control, a SENDME for as many DATA as was agreed on", cc_step,
     NEEDS_KEY},
    {"sendme/cc-tag", CHECK_MUST, "prop 324 2.2",
     "authenticates SENDMEs under congestion control, too", cc_tag, NEEDS_KEY},
    {"sendme/cc-no-stream-sendmes", CHECK_MUST, "prop 324 4.1",
     "sends no SENDMEs about streams under congestion control", cc_no_stream_sendmes, NEEDS_KEY},
    {"sendme/cc-stream-sendme", CHECK_SHOULD, "prop 324 4.1",
     "takes the circuit down if a stream's SENDME comes under congestion control", cc_stream_sendme,
     NEEDS_KEY},
    {"sendme/cc-xoff", CHECK_MUST, "prop 324 4.1.1", "sends no DATA of a stream after XOFF",
     cc_xoff, NEEDS_KEY},
    {"sendme/cc-xon", CHECK_MUST, "prop 324 4.1.1", "sends DATA of a stream again after XON",
     cc_xon, NEEDS_KEY},
    {"sendme/cc-xoff-unknown", CHECK_MUST, "prop 324 4.1.1",
     "drops XOFF and XON of streams that it does not know", xoff_unknown, NEEDS_KEY},
    {"sendme/xoff-fixed", CHECK_SHOULD, "prop 324 4.1",
     "ignores XOFF without congestion control: windows hold", xoff_fixed, NEEDS_NOTHING},
};
const struct check_section check_sendme = {"sendme", "Flow control", cases,
                                           sizeof cases / sizeof *cases};
