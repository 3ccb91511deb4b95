/* Echo: what goes out on one circuit of a measurement and comes back, and whether it is the same.
 *
 * Nothing is stored. Cell i carries P_i: what AES-128-CTR makes from counter block 32 * i on, under
 * the first 16 bytes of HMAC-SHA256(seed, "tunic measure echo 1" | meas_id | circuit | length of
 * name | name). Cells of a circuit keep their order, so that one context runs along with what is
 * sent and another with what comes: to check each cell costs one more pass of AES. No payload comes
 * twice, or a relay could answer before it is asked.
 *
 * With p < 1 a second secret, which no relay can guess, says which cells are checked. */
#ifndef TUNIC_MEASURE_ECHO_H
#define TUNIC_MEASURE_ECHO_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cell/chan.h"
#include "measure/measurement.h"

enum { ECHO_KEY_LEN = 16, ECHO_SECRET_LEN = 32, ECHO_STRIDE = 512 /* of AES's output, a cell */ };

struct echo;

struct echo_config {
    const uint8_t *seed;   /* MEAS_SEED_LEN; these are borrowed during echo_new() */
    const char *name;      /* the measurer's, at most MEAS_NAME_MAX */
    const uint8_t *secret; /* ECHO_SECRET_LEN: of what is checked; it never leaves us */
    uint32_t meas_id;
    uint16_t circuit; /* which of the measurer's: c */
    double check;     /* p: 0..1 */
    enum meas_echo form;
};

enum echo_verdict {
    ECHO_UNCHECKED, /* not chosen */
    ECHO_GOOD,
    ECHO_CHEAT, /* with evidence */
};

void echo_key(const struct echo_config *config, uint8_t key[ECHO_KEY_LEN]);

/* ERR_NOMEM, ERR_CRYPTO, ERR_ARG: check is no share. */
MUST_USE err_t echo_new(const struct echo_config *config, struct echo **out);
void echo_free(struct echo *e); /* wipes; NULL is fine */

/* Writes the next cell's body. Framed: the payload is in its place behind the head, which is the
 * caller's affair. ERR_CRYPTO. */
MUST_USE err_t echo_put(struct echo *e, uint8_t body[CELL_BODY_LEN]);
/* A cell's BODY came back. For ECHO_CHEAT kind, cell, at, expected and got of EVIDENCE are filled
 * in. ERR_CRYPTO. */
MUST_USE err_t echo_take(struct echo *e, const uint8_t body[CELL_BODY_LEN],
                         enum echo_verdict *verdict, struct meas_cheat *evidence);

uint64_t echo_sent(const struct echo *e); /* cells */
uint64_t echo_back(const struct echo *e);
/* Cells that are under way. */
static inline uint64_t echo_flying(const struct echo *e)
{
    return echo_sent(e) - echo_back(e);
}

#endif
