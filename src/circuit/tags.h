/* What authenticated SENDMEs must show: the tag of the DATA cell that each of them answers
 * (proposal 289), and when that was sent. One for each hop of a circuit, whatever its flow and its
 * layer. Memory is taken as SENDMEs become due, and given back when none is.
 *
 * So that nobody can know a tag without having seen the cell, now and then a DATA cell has to leave
 * room for random padding; tags_data_max() says how long the next one may be. */
#ifndef TUNIC_CIRCUIT_TAGS_H
#define TUNIC_CIRCUIT_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "circuit/layer.h"

struct tag_due {
    uint64_t sent_us;
    uint8_t tag[LAYER_TAG_MAX];
};

struct tags {
    struct tag_due *due; /* a ring of SIZE, a power of two; NULL: none */
    unsigned size, at, n;
    unsigned most;        /* that may be due at once */
    bool random_sent;     /* in this interval a cell had enough random padding */
    unsigned random_left; /* cells until one must have had it */
};

void tags_init(struct tags *t, struct env *env, unsigned most);
void tags_clear(struct tags *t);

/* How long the next DATA may be if FORMAT_MAX is the most a cell holds. */
size_t tags_data_max(const struct tags *t, size_t format_max);
/* DATA of LEN bytes was sent. */
void tags_data_sent(struct tags *t, struct env *env, size_t len, size_t format_max);

/* Whether a SENDME is due. */
static inline bool tags_any(const struct tags *t)
{
    return t->n > 0;
}

/* A SENDME with TAG, of LEN bytes up to LAYER_TAG_MAX, is due for DATA sent now, behind the others.
 * ERR_BUG: there are too many. ERR_NOMEM. */
MUST_USE err_t tags_add(struct tags *t, const struct env *env, const uint8_t *tag, size_t len);
/* A SENDME showed TAG; LEN 0: it shows none (version 0). *SENT_US: when its DATA was sent.
 * ERR_CIRC_SENDME: none is due, or with another one. */
MUST_USE err_t tags_take(struct tags *t, const uint8_t *tag, size_t len, uint64_t *sent_us);

#endif
