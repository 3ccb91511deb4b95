/* Every published message through its codec, and every message that is valid cut short and
 * lengthened at each place. */
#include "recode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cell/reason.h"
#include "support/test.h"
#include "support/vec.h"

enum { BODY_MAX = 4096, LINE_MAX_LEN = 2048 };

/* What a decoder found, as one line. */
struct line {
    char s[LINE_MAX_LEN];
    size_t len;
};

static void add(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(struct line *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->s + l->len, sizeof l->s - l->len, fmt, args);
    va_end(args);
    ck_assert(n >= 0 && (size_t)n < sizeof l->s - l->len);
    l->len += (size_t)n;
}

static void add_ip(struct line *l, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    add(l, "%s", ip->family == IP_NONE ? "none" : ip_text(ip, text));
}

static void add_exts(struct line *l, const struct exts *exts)
{
    for (size_t i = 0; i < exts->n; i++)
        add(l, "%s%u:%u", i ? "," : "", exts->e[i].type, exts->e[i].len);
}

static void add_specs(struct line *l, const struct linkspecs *specs)
{
    struct linkspec_relay relay;
    char text[IPPORT_TEXT_MAX];
    linkspecs_read(specs, &relay);
    if (relay.v4.ip.family == IP_V4)
        add(l, "v4=%s ", ipport_text(&relay.v4, text));
    if (relay.v6.ip.family == IP_V6)
        add(l, "v6=%s ", ipport_text(&relay.v6, text));
    add(l, "%s%s", relay.has_rsa ? "rsa " : "", relay.has_ed ? "ed " : "");
}

static void show_versions(struct rd r, struct line *l)
{
    struct chan_versions m;
    ck_ok(chan_versions_decode(r, &m));
    for (size_t i = 0; i < m.n; i++)
        add(l, "%u ", m.v[i]);
}

static void show_certs(struct rd r, struct line *l)
{
    struct chan_certs m;
    ck_ok(chan_certs_decode(r, &m));
    for (size_t i = 0; i < m.n; i++)
        add(l, "%u:%u ", m.c[i].type, m.c[i].len);
}

static void show_auth_challenge(struct rd r, struct line *l)
{
    struct chan_auth_challenge m;
    ck_ok(chan_auth_challenge_decode(r, &m));
    for (size_t i = 0; i < m.n_methods; i++)
        add(l, "%s%u", i ? "," : "methods=", m.methods[i]);
}

static void show_authenticate(struct rd r, struct line *l)
{
    struct chan_authenticate m;
    ck_ok(chan_authenticate_decode(r, &m));
    add(l, "type=%u len=%u", m.type, m.len);
}

static void show_netinfo(struct rd r, struct line *l)
{
    struct chan_netinfo m;
    ck_ok(chan_netinfo_decode(r, &m));
    add(l, "t=%u other=", m.timestamp);
    add_ip(l, &m.other);
    for (size_t i = 0; i < m.n_mine; i++) {
        add(l, " ");
        add_ip(l, &m.mine[i]);
    }
}

static void show_chan_padding_negotiate(struct rd r, struct line *l)
{
    struct chan_padding_negotiate m;
    ck_ok(chan_padding_negotiate_decode(r, &m));
    add(l, "cmd=%u %u..%u", m.command, m.ito_low_ms, m.ito_high_ms);
}

static void show_create2(struct rd r, struct line *l)
{
    struct chan_create2 m;
    ck_ok(chan_create2_decode(r, &m));
    add(l, "htype=%u hlen=%u", m.htype, m.hlen);
}

static void show_created2(struct rd r, struct line *l)
{
    struct chan_created2 m;
    ck_ok(chan_created2_decode(r, &m));
    add(l, "hlen=%u", m.hlen);
}

static void show_destroy(struct rd r, struct line *l)
{
    struct chan_destroy m;
    ck_ok(chan_destroy_decode(r, &m));
    add(l, "%s", destroy_reason_name(m.reason));
}

static void show_begin(struct rd r, struct line *l)
{
    struct relay_begin m;
    ck_ok(relay_begin_decode(r, &m));
    add(l, "host=%.*s port=%u flags=%u", TEXT_ARG(m.host), m.port, m.flags);
}

static void show_connected(struct rd r, struct line *l)
{
    struct relay_connected m;
    ck_ok(relay_connected_decode(r, &m));
    add_ip(l, &m.ip);
    if (m.has_ttl)
        add(l, " ttl=%u", m.ttl_s);
}

static void show_end(struct rd r, struct line *l)
{
    struct relay_end m;
    ck_ok(relay_end_decode(r, &m));
    add(l, "%s ", end_reason_name(m.reason));
    if (m.ip.family != IP_NONE)
        add_ip(l, &m.ip);
    if (m.has_ttl)
        add(l, " ttl=%u", m.ttl_s);
}

static void show_resolve(struct rd r, struct line *l)
{
    struct relay_resolve m;
    ck_ok(relay_resolve_decode(r, &m));
    add(l, "host=%.*s", TEXT_ARG(m.host));
}

static void show_resolved(struct rd r, struct line *l)
{
    struct relay_resolved m;
    ck_ok(relay_resolved_decode(r, &m));
    add(l, "n=%zu", m.n);
    for (size_t i = 0; i < m.n; i++) {
        const struct relay_answer *a = &m.a[i];
        add(l, " %x:", a->type);
        if (a->ip.family != IP_NONE)
            add_ip(l, &a->ip);
        else
            add(l, "%.*s", TEXT_ARG(a->value));
        add(l, ":%u", a->ttl_s);
    }
}

static void show_sendme(struct rd r, struct line *l)
{
    struct relay_sendme m;
    ck_ok(relay_sendme_decode(r, &m));
    add(l, "v=%u tag=%u", m.version, m.tag_len);
}

static void show_xon(struct rd r, struct line *l)
{
    struct relay_xon m;
    ck_ok(relay_xon_decode(r, &m));
    add(l, "kbps=%u", m.kbps);
}

static void show_extend2(struct rd r, struct line *l)
{
    struct relay_extend2 m;
    ck_ok(relay_extend2_decode(r, &m));
    add_specs(l, &m.specs);
    add(l, "htype=%u hlen=%u", m.htype, m.hlen);
}

static void show_extended2(struct rd r, struct line *l)
{
    struct relay_extended2 m;
    ck_ok(relay_extended2_decode(r, &m));
    add(l, "hlen=%u", m.hlen);
}

static void show_truncated(struct rd r, struct line *l)
{
    struct relay_truncated m;
    ck_ok(relay_truncated_decode(r, &m));
    add(l, "%s", destroy_reason_name(m.reason));
}

static void show_conflux_link(struct rd r, struct line *l)
{
    struct relay_conflux_link m;
    ck_ok(relay_conflux_link_decode(r, &m));
    add(l, "sent=%ju recv=%ju ux=%u", (uintmax_t)m.last_seqno_sent, (uintmax_t)m.last_seqno_recv,
        m.desired_ux);
}

static void show_conflux_switch(struct rd r, struct line *l)
{
    struct relay_conflux_switch m;
    ck_ok(relay_conflux_switch_decode(r, &m));
    add(l, "%u", m.seqno);
}

static void show_padding_negotiate(struct rd r, struct line *l)
{
    struct relay_padding_negotiate m;
    ck_ok(relay_padding_negotiate_decode(r, &m));
    add(l, "cmd=%u machine=%u echo=%u ctr=%u", m.command, m.machine, m.echo_request, m.machine_ctr);
}

static void show_padding_negotiated(struct rd r, struct line *l)
{
    struct relay_padding_negotiated m;
    ck_ok(relay_padding_negotiated_decode(r, &m));
    add(l, "cmd=%u response=%u machine=%u ctr=%u", m.command, m.response, m.machine, m.machine_ctr);
}

static void show_establish_intro(struct rd r, struct line *l)
{
    struct relay_establish_intro m;
    ck_ok(relay_establish_intro_decode(r, &m));
    add(l, "exts=");
    add_exts(l, &m.exts);
    add(l, " mac_at=%zu sig_at=%zu sig=%u", m.mac_at, m.sig_at, m.sig_len);
}

static void show_introduce(struct rd r, struct line *l)
{
    struct relay_introduce m;
    ck_ok(relay_introduce_decode(r, &m));
    add(l, "exts=");
    add_exts(l, &m.exts);
    add(l, " at=%zu encrypted=%zu", m.encrypted_at, m.encrypted_len);
}

static void show_introduce_plain(struct rd r, struct line *l)
{
    struct relay_introduce_plain m;
    ck_ok(relay_introduce_plain_decode(r, &m));
    add(l, "exts=");
    add_exts(l, &m.exts);
    add(l, " ");
    add_specs(l, &m.specs);
}

static void show_intro_established(struct rd r, struct line *l)
{
    struct relay_intro_established m;
    ck_ok(relay_intro_established_decode(r, &m));
    add(l, "exts=");
    add_exts(l, &m.exts);
}

static void show_introduce_ack(struct rd r, struct line *l)
{
    struct relay_introduce_ack m;
    ck_ok(relay_introduce_ack_decode(r, &m));
    add(l, "status=%u exts=", m.status);
    add_exts(l, &m.exts);
}

static void add_meas_ext(struct line *l, const struct meas_ext *e)
{
    if (e->has_form)
        add(l, "version=%u echo=%u ", e->version, e->echo);
    if (e->has_session)
        add(l, "session=%02x..%02x ", e->session[0], e->session[MEAS_SESSION_LEN - 1]);
    for (size_t i = 0; i < e->n_measurers; i++)
        add(l, "%02x..%02x:%u ", e->measurers[i].ed.b[0], e->measurers[i].ed.b[31],
            e->measurers[i].sockets);
    if (e->has_rate)
        add(l, "rate=%ju ", (uintmax_t)e->rate_most);
    if (e->has_limits)
        add(l, "limits=%u%%,%us,%u ", e->background_percent, e->seconds_most, e->background_floor);
}

static void add_meas_params(struct line *l, const struct meas_params *m)
{
    char text[IPPORT_TEXT_MAX];
    add(l, "PARAMS seconds=%u ", m->seconds);
    for (size_t i = 0; i < m->n_addrs; i++)
        add(l, "%s ", ipport_text(&m->addrs[i], text));
    add_meas_ext(l, &m->ext);
}

static void show_measurement(struct rd r, struct line *l)
{
    struct meas_cell m;
    ck_ok(meas_cell_decode(r, &m));
    if (m.cmd == MEAS_PARAMS) {
        add_meas_params(l, &m.params);
    } else if (m.cmd == MEAS_PARAMS_OK) {
        add(l, "OK ");
        add_meas_ext(l, &m.ok);
    } else if (m.cmd == MEAS_BG) {
        add(l, "BG second=%u sent=%u recv=%u", m.bg.second, m.bg.sent, m.bg.recv);
    } else if (m.cmd == MEAS_ERR) {
        add(l, "ERR %u ", m.err.code);
        add_meas_ext(l, &m.err.ext);
    } else {
        add(l, "ECHO_ON session=%02x..%02x socket=%u", m.echo_on.session[0],
            m.echo_on.session[MEAS_SESSION_LEN - 1], m.echo_on.socket);
    }
}

static void show_exts(struct rd r, struct line *l)
{
    struct exts m;
    ck_ok(exts_decode_all(r, &m));
    for (size_t i = 0; i < m.n; i++)
        add(l, "%u:%u ", m.e[i].type, m.e[i].len);
}

static void show_subprotos(struct rd r, struct line *l)
{
    struct subproto_request m;
    ck_ok(subproto_request_decode(r, &m));
    for (size_t i = 0; i < m.n; i++)
        add(l, "%u.%u ", m.c[i].protocol, m.c[i].capability);
}

static const struct {
    const char *name;
    void (*show)(struct rd r, struct line *l);
} shows[] = {
    {"versions", show_versions},
    {"certs", show_certs},
    {"auth_challenge", show_auth_challenge},
    {"authenticate", show_authenticate},
    {"netinfo", show_netinfo},
    {"chan_padding_negotiate", show_chan_padding_negotiate},
    {"create2", show_create2},
    {"created2", show_created2},
    {"destroy", show_destroy},
    {"measurement", show_measurement},
    {"begin", show_begin},
    {"connected", show_connected},
    {"end", show_end},
    {"resolve", show_resolve},
    {"resolved", show_resolved},
    {"sendme", show_sendme},
    {"xon", show_xon},
    {"extend2", show_extend2},
    {"extended2", show_extended2},
    {"truncated", show_truncated},
    {"conflux_link", show_conflux_link},
    {"conflux_linked", show_conflux_link},
    {"conflux_switch", show_conflux_switch},
    {"padding_negotiate", show_padding_negotiate},
    {"padding_negotiated", show_padding_negotiated},
    {"establish_intro", show_establish_intro},
    {"introduce1", show_introduce},
    {"introduce2", show_introduce},
    {"introduce_plain", show_introduce_plain},
    {"intro_established", show_intro_established},
    {"introduce_ack", show_introduce_ack},
    {"exts", show_exts},
    {"subprotos", show_subprotos},
};

struct vector {
    const struct codec *codec;
    uint8_t body[BODY_MAX];
    size_t len;
    char where[80]; /* for failure messages */
};

typedef void each_fn(struct vec *v, const struct vector *x);

static const char *const files[] = {
    "vectors/cell/chan_arti.txt", "vectors/cell/chan_tor.txt", "vectors/cell/relay_arti.txt",
    "vectors/cell/relay_tor.txt", "vectors/cell/made.txt",     "vectors/measure/cells.txt",
};

/* Returns how many records there were. */
static size_t each_vector(each_fn *fn)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct vec *v = vec_open(files[i]);
        for (size_t k = 1; vec_next(v); k++, n++) {
            static struct vector x;
            const char *name = vec_text(v, "msg");
            x.codec = codec_named(name);
            snprintf(x.where, sizeof x.where, "%s record %zu (%s)", files[i], k, name);
            ck_assert_msg(x.codec != NULL, "%s: no such codec", x.where);
            x.len = vec_hex(v, "hex", x.body, sizeof x.body);
            fn(v, &x);
        }
        vec_close(v);
    }
    return n;
}

/* An exact copy on the heap, so that a sanitizer sees a read past the end. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

static err_t recode(const struct codec *c, const uint8_t *bytes, size_t len, struct wr *w,
                    err_t *decoded)
{
    uint8_t *copy = exact_copy(bytes, len);
    err_t e = c->recode(rd_over(copy, len), w, decoded);
    free(copy);
    return e;
}

static void check_decoder_error(struct vec *v, const struct vector *x)
{
    static uint8_t room[BODY_MAX];
    struct wr w = wr_over(room, sizeof room);
    err_t decoded;
    recode(x->codec, x->body, x->len, &w, &decoded);
    const char *want = vec_has(v, "error") ? vec_text(v, "error") : "OK";
    ck_assert_msg(strcmp(err_name(decoded), want) == 0, "%s: %s, not %s", x->where,
                  err_name(decoded), want);
}

START_TEST(test_vectors_decode_or_fail_as_published)
{
    ck_assert_uint_gt(each_vector(check_decoder_error), 150);
}
END_TEST

static void check_fields(struct vec *v, const struct vector *x)
{
    if (!vec_has(v, "fields"))
        return;
    static struct line l;
    l.len = 0;
    l.s[0] = 0;
    bool shown = false;
    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        if (strcmp(shows[i].name, x->codec->name) == 0) {
            shows[i].show(rd_over(x->body, x->len), &l);
            shown = true;
        }
    }
    ck_assert_msg(shown, "%s: cannot be shown", x->where);
    while (l.len && l.s[l.len - 1] == ' ')
        l.s[--l.len] = 0;
    ck_assert_msg(strcmp(l.s, vec_text(v, "fields")) == 0, "%s: '%s', not '%s'", x->where, l.s,
                  vec_text(v, "fields"));
}

START_TEST(test_vectors_have_their_fields)
{
    each_vector(check_fields);
}
END_TEST

static void check_encoding(struct vec *v, const struct vector *x)
{
    if (vec_has(v, "error"))
        return;
    static uint8_t room[BODY_MAX], want[BODY_MAX];
    struct wr w = wr_over(room, sizeof room);
    err_t decoded;
    err_t e = recode(x->codec, x->body, x->len, &w, &decoded);
    const char *want_err = vec_has(v, "encode_error") ? vec_text(v, "encode_error") : "OK";
    ck_assert_msg(strcmp(err_name(e), want_err) == 0, "%s: encoding: %s", x->where, err_name(e));
    if (e != OK)
        return;
    size_t want_len = vec_hex(v, vec_has(v, "encodes") ? "encodes" : "hex", want, sizeof want);
    ck_assert_msg(w.len == want_len && memcmp(room, want, want_len) == 0,
                  "%s: encodes to something else (%zu bytes, not %zu)", x->where, w.len, want_len);
    /* A writer one byte too small fails instead of writing less. */
    if (want_len > 0) {
        struct wr small = wr_over(room, want_len - 1);
        ck_err(recode(x->codec, x->body, x->len, &small, &decoded), ERR_FULL);
    }
}

START_TEST(test_vectors_encode_to_the_same_bytes)
{
    each_vector(check_encoding);
}
END_TEST

/* Fields of a message that has several encodings are those of its shortest: cut that one. */
static bool is_canonical(struct vec *v)
{
    return !vec_has(v, "error") && !vec_has(v, "encodes") && !vec_has(v, "encode_error");
}

static void check_truncations(struct vec *v, const struct vector *x)
{
    if (!is_canonical(v))
        return;
    static uint8_t room[BODY_MAX];
    size_t open_from = x->len;
    if (x->codec->traits & CODEC_OPEN_ENDED) {
        struct relay_introduce m;
        ck_ok(relay_introduce_decode(rd_over(x->body, x->len), &m));
        open_from = m.encrypted_at;
    }
    for (size_t len = 0; len < x->len; len++) {
        struct wr w = wr_over(room, sizeof room);
        err_t decoded;
        recode(x->codec, x->body, len, &w, &decoded);
        bool may = x->codec->traits & CODEC_PREFIX_OK || len >= open_from;
        ck_assert_msg(decoded != OK || may, "%s: decodes when cut to %zu bytes", x->where, len);
    }
}

START_TEST(test_vectors_cut_short_are_refused)
{
    each_vector(check_truncations);
}
END_TEST

static void check_trailing_byte(struct vec *v, const struct vector *x)
{
    if (!is_canonical(v) || x->codec->traits & CODEC_OPEN_ENDED)
        return;
    static uint8_t room[BODY_MAX], longer[BODY_MAX + 1];
    /* The empty forms of these are another form with a byte more. */
    if (x->len == 0)
        return;
    memcpy(longer, x->body, x->len);
    longer[x->len] = 0;
    struct wr w = wr_over(room, sizeof room);
    err_t decoded;
    recode(x->codec, longer, x->len + 1, &w, &decoded);
    if (x->codec->traits & CODEC_TAIL_IGNORED) {
        ck_assert_msg(decoded == OK, "%s: a byte behind it: %s", x->where, err_name(decoded));
        bool same = w.len == x->len && memcmp(room, x->body, x->len) == 0;
        /* END's address is told by its length alone. */
        ck_assert_msg(same || x->codec->cmd == RELAY_END, "%s: a byte behind it changes it",
                      x->where);
    } else {
        ck_assert_msg(decoded != OK, "%s: a byte behind it is taken", x->where);
    }
}

START_TEST(test_vectors_with_a_trailing_byte_are_refused_unless_the_spec_ignores_it)
{
    each_vector(check_trailing_byte);
}
END_TEST

static bool seen[CODECS];

static void note_codec(struct vec *v, const struct vector *x)
{
    if (is_canonical(v))
        seen[x->codec - codecs] = true;
}

START_TEST(test_vectors_there_is_one_for_every_codec)
{
    each_vector(note_codec);
    for (size_t i = 0; i < CODECS; i++)
        ck_assert_msg(seen[i], "no valid vector for %s", codecs[i].name);
}
END_TEST

TESTS("cell/vectors", test_vectors_decode_or_fail_as_published, test_vectors_have_their_fields,
      test_vectors_encode_to_the_same_bytes, test_vectors_cut_short_are_refused,
      test_vectors_with_a_trailing_byte_are_refused_unless_the_spec_ignores_it,
      test_vectors_there_is_one_for_every_codec)
