/* Inside of the consensus parser: shared by consensus.c and consensus_relay.c. */
#ifndef TUNIC_DIR_CONSENSUS_INT_H
#define TUNIC_DIR_CONSENSUS_INT_H

#include "dir/consensus.h"
#include "dir/doc.h"

/* A relay's row from its "r" item; the other items follow one by one. */
MUST_USE err_t row_begin(const struct doc_item *r, enum consensus_kind kind, struct router *out);
/* The last "pr" line and what it came to: most relays have the same one. */
struct last_protos {
    struct text text;
    uint32_t bits;
};

/* "a", "s", "m", "w" or "pr"; others are ignored. SEEN says which ones came before. */
MUST_USE err_t row_item(const struct doc_item *item, enum consensus_kind kind, struct router *relay,
                        unsigned *seen, struct last_protos *last);
/* Whether the lines that must be there were there. */
MUST_USE err_t row_end(enum consensus_kind kind, unsigned seen);

/* "key=number" with a signed 32-bit number. */
MUST_USE err_t parse_key_value(struct text t, struct text *key, int32_t *value);

#endif
