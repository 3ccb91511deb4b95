/* Relaykept: the server descriptors that a coordinator has fetched, kept as tor keeps them: in
 * "cached-descriptors", and what came since in "cached-descriptors.new". From time to time both are
 * made one, without what is replaced by then. That is tens of megabytes, which are written and
 * synced: a process of its own does it (net/chore.h), since measurements need the loop. */
#ifndef TUNIC_APP_MEASURE_RELAYKEPT_H
#define TUNIC_APP_MEASURE_RELAYKEPT_H

#include "measure/listing_read.h"
#include "net/net.h"

enum { RELAYKEPT_LEAST = 1 << 20 /* shorter journals are not worth a new file */ };

struct relaykept;

/* Borrowed but for FOLDER, which is copied; they outlive it. LEAST: bytes that are worth it. ERR_IO
 * (logged), ERR_NOMEM. */
MUST_USE err_t relaykept_open(struct net *n, const char *folder, const struct listing *l,
                              size_t least, struct relaykept **out);
void relaykept_close(struct relaykept *k); /* NULL is fine */

/* What is there goes to READER; what it takes of that is not kept again, until it is idle. */
void relaykept_read(struct relaykept *k, struct listing_reader *reader);
/* READER, which was idle, has read what was there. */
void relaykept_was_read(struct relaykept *k);
/* One that counts now. */
void relaykept_add(struct relaykept *k, struct text descriptor);
/* Makes both files one, if that is due; it is done later. */
void relaykept_look(struct relaykept *k);

#endif
