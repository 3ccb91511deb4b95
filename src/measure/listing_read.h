/* Reading into a listing: texts of documents, as files and directory servers have them.
 *
 * Server descriptors of a whole network are tens of megabytes, and each has three signatures: a
 * reader takes them a few at a time, so that nothing else of the process waits for it. */
#ifndef TUNIC_MEASURE_LISTING_READ_H
#define TUNIC_MEASURE_LISTING_READ_H

#include "base/blob.h"
#include "base/env.h"
#include "measure/listing.h"

enum { LISTING_WHY_MAX = 320, LISTING_TEXTS_MOST = 64 };

/* Whose signatures make a consensus. */
struct listing_trust {
    const struct rsa_id *auths; /* v3 identities; borrowed */
    size_t n_auths;
};

/* CONSENSUS is of either flavor, CERTS are the authorities' key certificates. It counts if more
 * than half of the authorities signed it and its time is not over. ERR_STATE: the one that is here
 * is as new. Else WHY. */
MUST_USE err_t listing_read_consensus(struct listing *l, const struct listing_trust *trust,
                                      struct text consensus, struct text certs, int64_t now_s,
                                      char why[LISTING_WHY_MAX]);

struct listing_sum {
    size_t taken, known, strangers; /* STRANGERS: of relays that the consensus does not have */
    size_t old;                     /* too old to count */
    size_t unread;                  /* memory ran out */
    size_t bad;
    char first_bad[DESCRIPTOR_WHY_MAX];
};

struct listing_reader_ops {
    void (*taken)(void *arg, struct text descriptor);       /* one that counts now; may be NULL */
    void (*over)(void *arg, const struct listing_sum *sum); /* of one text; it may be freed there */
};

struct listing_reader;

/* Both outlive it. NULL out of memory. */
struct listing_reader *listing_reader_new(struct env *env, struct listing *l,
                                          const struct listing_reader_ops *ops, void *arg);
void listing_reader_free(struct listing_reader *r); /* NULL is fine */
/* Descriptors; in turn, after those that wait. ERR_LIMIT: too many texts wait; it is dropped. */
MUST_USE err_t listing_reader_add(struct listing_reader *r, struct blob gift_text);
bool listing_reader_is_idle(const struct listing_reader *r);

#endif
