#include "link/circmap.h"

#include <stdlib.h>

#include "link/limits.h"

struct resting_id {
    uint32_t id;
    uint64_t until_us;
    UT_hash_handle hh;
    struct resting_id *prev, *next;
};

void circmap_init(struct circmap *m, struct env *env)
{
    *m = (struct circmap){.env = env, .strays_since_us = env->mono_us};
}

static void wake(struct circmap *m, struct resting_id *r)
{
    HASH_DEL(m->resting, r);
    DL_DELETE(m->resting_first, r);
    m->n_resting--;
    free(r);
}

static void wake_oldest(struct circmap *m)
{
    wake(m, m->resting_first);
}

void circmap_free(struct circmap *m)
{
    while (m->resting_first)
        wake_oldest(m);
}

static struct resting_id *find_resting(struct circmap *m, uint32_t id)
{
    struct resting_id *r = NULL;
    while (m->resting_first && m->resting_first->until_us <= m->env->mono_us)
        wake_oldest(m);
    HASH_FIND(hh, m->resting, &id, sizeof id, r);
    return r;
}

/* Out of memory the id does not rest: 2^31 ids make it unlikely to be drawn again soon. */
static void rest(struct circmap *m, uint32_t id)
{
    struct resting_id *r = calloc(1, sizeof *r);
    if (!r)
        return;
    while (m->n_resting >= LINK_IDS_RESTING_MOST)
        wake_oldest(m);
    r->id = id;
    r->until_us = m->env->mono_us + (uint64_t)LINK_ID_REST_MS * US_PER_MS;
    HASH_ADD(hh, m->resting, id, sizeof r->id, r);
    if (!HASH_ADDED(r, hh)) {
        free(r);
        return;
    }
    DL_APPEND(m->resting_first, r);
    m->n_resting++;
}

struct link_circ *circmap_find(struct circmap *m, uint32_t id)
{
    struct link_circ *lc = m->last;
    if (lc && lc->id == id)
        return lc;
    HASH_FIND(hh, m->by_id, &id, sizeof id, lc);
    if (lc)
        m->last = lc;
    return lc;
}

/* tor-spec 5.1.1: "In link protocol version 4 or higher, whichever node initiated the connection
 * MUST set its MSB to 1", and under version 3 "a client with no public key MAY choose any CircID";
 * "today's Tor stops after 64" tries. */
static uint32_t draw_id(struct circmap *m, size_t id_len)
{
    uint32_t top = id_len == 4 ? 0x80000000u : 0x8000u;
    for (int i = 0; i < LINK_ID_TRIES; i++) {
        uint32_t id = top | (uint32_t)env_random_below(m->env, top);
        if (!circmap_find(m, id) && !find_resting(m, id))
            return id;
    }
    return 0;
}

static err_t add(struct circmap *m, struct link_circ *lc, uint32_t id)
{
    lc->id = id;
    HASH_ADD(hh, m->by_id, id, sizeof lc->id, lc);
    if (!HASH_ADDED(lc, hh)) {
        lc->id = 0;
        return ERR_NOMEM;
    }
    m->n++;
    return OK;
}

err_t circmap_add(struct circmap *m, struct link_circ *lc, size_t id_len)
{
    uint32_t id = m->n < LINK_CIRCS_MOST ? draw_id(m, id_len) : 0;
    return id ? add(m, lc, id) : ERR_LIMIT;
}

/* Who chose the id may take it up again as soon as it likes. */
err_t circmap_add_under(struct circmap *m, struct link_circ *lc, uint32_t id)
{
    struct resting_id *r = find_resting(m, id);
    if (m->n >= LINK_CIRCS_MOST)
        return ERR_LIMIT;
    if (r)
        wake(m, r);
    return add(m, lc, id);
}

void circmap_remove(struct circmap *m, struct link_circ *lc)
{
    HASH_DEL(m->by_id, lc);
    if (m->last == lc)
        m->last = NULL;
    m->n--;
    rest(m, lc->id);
    lc->id = 0;
}

struct link_circ *circmap_any(const struct circmap *m)
{
    return m->by_id;
}

err_t circmap_stray(struct circmap *m, uint32_t id)
{
    if (find_resting(m, id))
        return OK;
    if (m->env->mono_us - m->strays_since_us >= (uint64_t)LINK_ID_REST_MS * US_PER_MS) {
        m->strays_since_us = m->env->mono_us;
        m->strays = 0;
    }
    return ++m->strays <= LINK_STRAYS_MOST ? OK : ERR_LINK_PROTO;
}
