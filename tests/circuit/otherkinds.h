/* A kind of layer and a kind of flow that are not Tor's, to show that circuits take any: a veil
 * over v1 messages with tags of 16 bytes, which authenticates the command of the cell around it;
 * and a flow that has one DATA message under way at a time. */
#ifndef TUNIC_TESTS_OTHERKINDS_H
#define TUNIC_TESTS_OTHERKINDS_H

#include <stdlib.h>
#include <string.h>

#include "circuit/flow.h"
#include "circuit/layer.h"

/* ---- the veil ---- */

enum { VEIL_TAG_LEN = 16 };

struct veil {
    struct layer layer;
    uint8_t key;
    unsigned sent, got; /* cells */
};

static inline err_t veil_wrap(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    for (size_t i = 0; i < CELL_BODY_LEN; i++)
        body[i] ^= (uint8_t)(((struct veil *)l)->key + i % 251 + chan_cmd);
    return OK;
}

/* Of the N-th cell; it is not a good one. */
static inline void veil_tag(const struct veil *v, unsigned n, const uint8_t *body, uint8_t *tag)
{
    memset(tag, (int)(v->key + n), VEIL_TAG_LEN);
    for (size_t i = VEIL_TAG_LEN; i < CELL_BODY_LEN; i++)
        tag[i % VEIL_TAG_LEN] = (uint8_t)(tag[i % VEIL_TAG_LEN] * 31 + body[i]);
}

static inline err_t veil_originate(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    struct veil *v = (struct veil *)l;
    veil_tag(v, v->sent++, body, l->sent_tag);
    memcpy(body, l->sent_tag, VEIL_TAG_LEN);
    return veil_wrap(l, chan_cmd, body);
}

static inline err_t veil_open(struct layer *l, uint8_t chan_cmd, uint8_t *body, bool *recognized)
{
    struct veil *v = (struct veil *)l;
    uint8_t tag[VEIL_TAG_LEN];
    (void)veil_wrap(l, chan_cmd, body);
    veil_tag(v, v->got, body, tag);
    *recognized = memcmp(tag, body, VEIL_TAG_LEN) == 0;
    v->got += *recognized;
    if (*recognized)
        memcpy(l->got_tag, tag, VEIL_TAG_LEN);
    return OK;
}

static inline void veil_free(struct layer *l)
{
    free(l);
}

static inline struct layer *veil_make(const uint8_t *keys, enum layer_side side);

static const struct layer_kind veil_kind = {
    .format = RELAY_V1,
    .tag_len = VEIL_TAG_LEN,
    .keys_len = 1,
    .make = veil_make,
    .originate = veil_originate,
    .wrap = veil_wrap,
    .open = veil_open,
    .free = veil_free,
};

static inline struct layer *veil_make(const uint8_t *keys, enum layer_side side)
{
    struct veil *v = calloc(1, sizeof *v);
    (void)side; /* the same both ways */
    if (!v)
        return NULL;
    *v = (struct veil){.layer = {.kind = &veil_kind}, .key = keys[0]};
    return &v->layer;
}

/* ---- one at a time ---- */

static inline err_t single_sent(struct flow *f, bool *answered)
{
    if (!f->room)
        return ERR_FULL;
    f->room = 0;
    *answered = true;
    return OK;
}

static inline err_t single_received(struct flow *f, bool *sendme_due)
{
    (void)f;
    *sendme_due = true;
    return OK;
}

static inline err_t single_sendme(struct flow *f, struct env *env, const struct flow_sendme *m)
{
    (void)env, (void)m;
    if (f->room)
        return ERR_CIRC_SENDME;
    f->room = 1;
    return OK;
}

static inline void single_free(struct flow *f)
{
    free(f);
}

static inline struct flow *single_make(const struct flow_config *config, unsigned inc,
                                       enum cc_way way);

static const struct flow_kind single_kind = {
    .make = single_make,
    .sent = single_sent,
    .received = single_received,
    .sendme = single_sendme,
    .free = single_free,
};

static inline struct flow *single_make(const struct flow_config *config, unsigned inc,
                                       enum cc_way way)
{
    struct flow *f = calloc(1, sizeof *f);
    (void)config, (void)inc, (void)way;
    if (f)
        *f = (struct flow){.kind = &single_kind, .room = 1, .sendmes_most = 1};
    return f;
}

#endif
