/* All codecs of the cell layer behind one function type, for tests and fuzz targets that treat them
 * alike: decode, and if that works encode what was decoded. */
#ifndef TUNIC_TESTS_CELL_RECODE_H
#define TUNIC_TESTS_CELL_RECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cell/chan.h"
#include "cell/chan_circ.h"
#include "cell/chan_link.h"
#include "cell/ext.h"
#include "cell/measurement.h"
#include "cell/relay.h"
#include "cell/relay_conflux.h"
#include "cell/relay_extend.h"
#include "cell/relay_flow.h"
#include "cell/relay_hs.h"
#include "cell/relay_pad.h"
#include "cell/relay_stream.h"

enum codec_trait {
    CODEC_TAIL_IGNORED = 1, /* bytes behind the message are ignored */
    CODEC_PREFIX_OK = 2,    /* a message cut short may be a message */
    CODEC_OPEN_ENDED = 4,   /* takes any number of bytes at its end */
    CODEC_LOOSE = 8         /* there are several encodings of one message */
};

enum codec_kind { CODEC_CHAN, CODEC_RELAY, CODEC_PART };

struct codec {
    const char *name;
    enum codec_kind kind;
    uint8_t cmd;
    unsigned traits;
    /* The decoder's error goes to *DECODED; returns the encoder's error. */
    err_t (*recode)(struct rd r, struct wr *w, err_t *decoded);
};

#define RECODE(type)                                                             \
    static inline err_t recode_##type(struct rd r, struct wr *w, err_t *decoded) \
    {                                                                            \
        struct type m;                                                           \
        memset(&m, 0xa5, sizeof m);                                              \
        *decoded = type##_decode(r, &m);                                         \
        return *decoded == OK ? type##_encode(w, &m) : OK;                       \
    }
RECODE(chan_versions)
RECODE(chan_certs)
RECODE(chan_auth_challenge)
RECODE(chan_authenticate)
RECODE(chan_netinfo)
RECODE(chan_padding_negotiate)
RECODE(chan_create_fast)
RECODE(chan_created_fast)
RECODE(chan_create2)
RECODE(chan_created2)
RECODE(chan_destroy)
RECODE(meas_cell)
RECODE(relay_begin)
RECODE(relay_connected)
RECODE(relay_end)
RECODE(relay_resolve)
RECODE(relay_resolved)
RECODE(relay_sendme)
RECODE(relay_xon)
RECODE(relay_extend2)
RECODE(relay_extended2)
RECODE(relay_truncated)
RECODE(relay_conflux_link)
RECODE(relay_conflux_switch)
RECODE(relay_padding_negotiate)
RECODE(relay_padding_negotiated)
RECODE(relay_establish_intro)
RECODE(relay_introduce)
RECODE(relay_introduce_plain)
RECODE(relay_intro_established)
RECODE(relay_introduce_ack)
RECODE(relay_establish_rendezvous)
RECODE(relay_rendezvous1)
RECODE(relay_rendezvous2)
RECODE(subproto_request)
#undef RECODE

static inline err_t recode_relay_xoff(struct rd r, struct wr *w, err_t *decoded)
{
    *decoded = relay_xoff_decode(r);
    return *decoded == OK ? relay_xoff_encode(w) : OK;
}

static inline err_t recode_exts(struct rd r, struct wr *w, err_t *decoded)
{
    struct exts m;
    *decoded = exts_decode_all(r, &m);
    return *decoded == OK ? exts_encode(w, &m) : OK;
}

static const struct codec codecs[] = {
    {"versions", CODEC_CHAN, CELL_VERSIONS, CODEC_PREFIX_OK, recode_chan_versions},
    {"certs", CODEC_CHAN, CELL_CERTS, CODEC_TAIL_IGNORED, recode_chan_certs},
    {"auth_challenge", CODEC_CHAN, CELL_AUTH_CHALLENGE, CODEC_TAIL_IGNORED,
     recode_chan_auth_challenge},
    {"authenticate", CODEC_CHAN, CELL_AUTHENTICATE, CODEC_TAIL_IGNORED, recode_chan_authenticate},
    {"netinfo", CODEC_CHAN, CELL_NETINFO, CODEC_TAIL_IGNORED | CODEC_LOOSE, recode_chan_netinfo},
    {"chan_padding_negotiate", CODEC_CHAN, CELL_PADDING_NEGOTIATE, CODEC_TAIL_IGNORED | CODEC_LOOSE,
     recode_chan_padding_negotiate},
    {"create_fast", CODEC_CHAN, CELL_CREATE_FAST, CODEC_TAIL_IGNORED, recode_chan_create_fast},
    {"created_fast", CODEC_CHAN, CELL_CREATED_FAST, CODEC_TAIL_IGNORED, recode_chan_created_fast},
    {"create2", CODEC_CHAN, CELL_CREATE2, CODEC_TAIL_IGNORED, recode_chan_create2},
    {"created2", CODEC_CHAN, CELL_CREATED2, CODEC_TAIL_IGNORED, recode_chan_created2},
    {"destroy", CODEC_CHAN, CELL_DESTROY, CODEC_TAIL_IGNORED, recode_chan_destroy},
    {"measurement", CODEC_CHAN, CELL_MEASUREMENT, CODEC_TAIL_IGNORED | CODEC_LOOSE,
     recode_meas_cell},
    {"begin", CODEC_RELAY, RELAY_BEGIN, CODEC_PREFIX_OK | CODEC_LOOSE, recode_relay_begin},
    {"connected", CODEC_RELAY, RELAY_CONNECTED, CODEC_PREFIX_OK, recode_relay_connected},
    {"end", CODEC_RELAY, RELAY_END, CODEC_PREFIX_OK | CODEC_TAIL_IGNORED | CODEC_LOOSE,
     recode_relay_end},
    {"resolve", CODEC_RELAY, RELAY_RESOLVE, 0, recode_relay_resolve},
    {"resolved", CODEC_RELAY, RELAY_RESOLVED, CODEC_PREFIX_OK, recode_relay_resolved},
    {"sendme", CODEC_RELAY, RELAY_SENDME, CODEC_PREFIX_OK | CODEC_LOOSE, recode_relay_sendme},
    {"xoff", CODEC_RELAY, RELAY_XOFF, 0, recode_relay_xoff},
    {"xon", CODEC_RELAY, RELAY_XON, 0, recode_relay_xon},
    {"extend2", CODEC_RELAY, RELAY_EXTEND2, 0, recode_relay_extend2},
    {"extended2", CODEC_RELAY, RELAY_EXTENDED2, 0, recode_relay_extended2},
    {"truncated", CODEC_RELAY, RELAY_TRUNCATED, 0, recode_relay_truncated},
    {"conflux_link", CODEC_RELAY, RELAY_CONFLUX_LINK, 0, recode_relay_conflux_link},
    {"conflux_linked", CODEC_RELAY, RELAY_CONFLUX_LINKED, 0, recode_relay_conflux_link},
    {"conflux_switch", CODEC_RELAY, RELAY_CONFLUX_SWITCH, CODEC_TAIL_IGNORED,
     recode_relay_conflux_switch},
    {"padding_negotiate", CODEC_RELAY, RELAY_PADDING_NEGOTIATE, 0, recode_relay_padding_negotiate},
    {"padding_negotiated", CODEC_RELAY, RELAY_PADDING_NEGOTIATED, 0,
     recode_relay_padding_negotiated},
    {"establish_intro", CODEC_RELAY, RELAY_ESTABLISH_INTRO, 0, recode_relay_establish_intro},
    {"introduce1", CODEC_RELAY, RELAY_INTRODUCE1, CODEC_OPEN_ENDED, recode_relay_introduce},
    {"introduce2", CODEC_RELAY, RELAY_INTRODUCE2, CODEC_OPEN_ENDED, recode_relay_introduce},
    {"intro_established", CODEC_RELAY, RELAY_INTRO_ESTABLISHED, CODEC_PREFIX_OK | CODEC_LOOSE,
     recode_relay_intro_established},
    {"introduce_ack", CODEC_RELAY, RELAY_INTRODUCE_ACK, 0, recode_relay_introduce_ack},
    {"establish_rendezvous", CODEC_RELAY, RELAY_ESTABLISH_RENDEZVOUS, CODEC_TAIL_IGNORED,
     recode_relay_establish_rendezvous},
    {"rendezvous1", CODEC_RELAY, RELAY_RENDEZVOUS1, CODEC_TAIL_IGNORED, recode_relay_rendezvous1},
    {"rendezvous2", CODEC_RELAY, RELAY_RENDEZVOUS2, CODEC_TAIL_IGNORED, recode_relay_rendezvous2},
    {"introduce_plain", CODEC_PART, 0, CODEC_TAIL_IGNORED, recode_relay_introduce_plain},
    {"exts", CODEC_PART, 1, 0, recode_exts},
    {"subprotos", CODEC_PART, 2, CODEC_PREFIX_OK, recode_subproto_request},
};

enum { CODECS = sizeof codecs / sizeof codecs[0] };

static inline const struct codec *codec_find(enum codec_kind kind, uint8_t cmd)
{
    for (size_t i = 0; i < CODECS; i++) {
        if (codecs[i].kind == kind && codecs[i].cmd == cmd)
            return &codecs[i];
    }
    return NULL;
}

static inline const struct codec *codec_named(const char *name)
{
    for (size_t i = 0; i < CODECS; i++) {
        if (strcmp(codecs[i].name, name) == 0)
            return &codecs[i];
    }
    return NULL;
}

enum { RECODE_MAX = 8192 };

/* What decodes can be encoded (unless the decoder is the more tolerant of the two: ERR_ARG), and
 * that decodes and encodes to the same again. A message that has one encoding only comes out as it
 * went in. True if BODY, at most RECODE_MAX bytes, keeps to that. */
static inline bool codec_round_trips(const struct codec *c, const uint8_t *body, size_t len)
{
    uint8_t one[RECODE_MAX], two[RECODE_MAX];
    struct wr w1 = wr_over(one, sizeof one), w2 = wr_over(two, sizeof two);
    err_t decoded;
    err_t e = c->recode(rd_over(body, len), &w1, &decoded);
    if (decoded != OK || e == ERR_ARG)
        return true;
    if (e != OK)
        return false;
    if (!(c->traits & CODEC_LOOSE)) {
        if (w1.len > len || memcmp(one, body, w1.len) != 0)
            return false;
        if (w1.len < len && !(c->traits & CODEC_TAIL_IGNORED))
            return false;
    }
    if (c->recode(rd_over(one, w1.len), &w2, &decoded) != OK || decoded != OK)
        return false;
    return w1.len == w2.len && memcmp(one, two, w1.len) == 0;
}

#endif
