/* Offline: whether this computer has any network, told by how dials end. One that finds no route
 * says little (a relay's IPv6 address where there is none); several, over some seconds, and nothing
 * else between them say that there is no network at all.
 *
 * It is said in plain words, again at growing intervals while it lasts, and once when it is over.
 */
#ifndef TUNIC_CLIENT_OFFLINE_H
#define TUNIC_CLIENT_OFFLINE_H

#include "base/env.h"
#include "link/link.h"

struct offline {
    uint64_t since_us, last_us; /* the first and the last of the dials in a row without a route */
    unsigned dials;             /* how many those are; 0: the last one found a way */
    uint64_t next_words_us, words_every_us;
    bool told;
};

/* A link to a relay stood. */
void offline_link_stood(struct offline *o, const struct env *env);
/* A dial ended before that. */
void offline_dial_failed(struct offline *o, const struct env *env, const struct link_end *end);
/* There is none now, by evidence that is fresh. */
bool offline_is(const struct offline *o, const struct env *env);

#endif
