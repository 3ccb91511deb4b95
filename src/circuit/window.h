/* Fixed flow-control windows of one hop, with authenticated SENDMEs (tor-spec 7.3, proposal 289).
 * Only DATA counts. A member of the circuit; does no I/O: the circuit sends and receives, and
 * tells.
 *
 * Each SENDME that comes in must carry the tag of the DATA cell it answers. So that nobody can know
 * a tag without having seen the cell, now and then a DATA cell has to leave room for random
 * padding; window_data_max() says how long the next one may be. */
#ifndef TUNIC_CIRCUIT_WINDOW_H
#define TUNIC_CIRCUIT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "circuit/layer.h"

enum {
    CIRCWINDOW_START = 1000,
    CIRCWINDOW_INCREMENT = 100,
    WINDOW_TAGS = CIRCWINDOW_START / CIRCWINDOW_INCREMENT,
};

struct window {
    unsigned package;                         /* DATA we may still send */
    unsigned deliver;                         /* DATA the other end may still send */
    uint8_t tags[WINDOW_TAGS][LAYER_TAG_MAX]; /* expected in SENDMEs, a ring */
    unsigned tags_at, tags_n;
    bool random_sent;     /* in this interval a cell had enough random padding */
    unsigned random_left; /* cells until one must have had it */
};

void window_init(struct window *w, struct env *env);

/* How long the next DATA may be if FORMAT_MAX is the most a cell holds. */
size_t window_data_max(const struct window *w, size_t format_max);

/* DATA of LEN bytes was sent in a cell with tag TAG. ERR_FULL if the window was used up. */
MUST_USE err_t window_data_sent(struct window *w, struct env *env, size_t len, size_t format_max,
                                const uint8_t *tag, size_t tag_len);

/* DATA came; *SENDME_DUE: answer with a SENDME carrying this cell's tag. ERR_CIRC_WINDOW. */
MUST_USE err_t window_data_received(struct window *w, bool *sendme_due);

/* The body of a circuit SENDME came. ERR_CIRC_SENDME: none was due, or not the right one. */
MUST_USE err_t window_sendme_received(struct window *w, const uint8_t *body, size_t len,
                                      size_t tag_len);

#endif
