#include "measure/polite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "measure/consent.h"

/* One relay, as far as this period goes. */
struct known {
    struct ipport at;
    int64_t began_s[POLITE_RUNS_MOST]; /* the last ones, the oldest first; 0: none */
    int64_t alone_until_s;
    int64_t day_s; /* when BYTES began to be counted */
    uint64_t bytes;
    bool running;
    struct known *next; /* of those that run */
    UT_hash_handle hh;
};

struct polite {
    uint64_t bytes_a_day;
    struct known *by_at, *running;
};

struct polite *polite_new(uint64_t bytes_a_day)
{
    struct polite *p = calloc(1, sizeof *p);
    if (p)
        p->bytes_a_day = bytes_a_day;
    return p;
}

static void drop(struct polite *p, struct known *k)
{
    HASH_DEL(p->by_at, k);
    free(k);
}

void polite_free(struct polite *p)
{
    struct known *k, *next;
    if (!p)
        return;
    HASH_ITER (hh, p->by_at, k, next)
        drop(p, k);
    free(p);
}

/* The key has no padding that anything could stand in. */
static struct ipport key_of(const struct ipport *at)
{
    struct ipport key;
    memset(&key, 0, sizeof key);
    key.ip.family = at->ip.family;
    memcpy(key.ip.b, at->ip.b, sizeof key.ip.b);
    key.port = at->port;
    return key;
}

static struct known *find(const struct polite *p, const struct ipport *at)
{
    const struct ipport key = key_of(at);
    struct known *k;
    HASH_FIND(hh, p->by_at, &key, sizeof key, k);
    return k;
}

static bool is_old(const struct known *k, int64_t now_s)
{
    return !k->running && k->alone_until_s <= now_s && k->day_s <= now_s - POLITE_PERIOD_S &&
           k->began_s[POLITE_RUNS_MOST - 1] <= now_s - POLITE_PERIOD_S;
}

static void forget_old(struct polite *p, int64_t now_s)
{
    struct known *k, *next;
    HASH_ITER (hh, p->by_at, k, next)
        if (is_old(k, now_s))
            drop(p, k);
}

static struct known *find_or_add(struct polite *p, const struct ipport *at, int64_t now_s)
{
    struct known *k = find(p, at);
    if (k)
        return k;
    if (HASH_COUNT(p->by_at) >= POLITE_RELAYS_MOST)
        forget_old(p, now_s);
    if (HASH_COUNT(p->by_at) >= POLITE_RELAYS_MOST || !(k = calloc(1, sizeof *k)))
        return NULL;
    k->at = key_of(at);
    HASH_ADD(hh, p->by_at, at, sizeof k->at, k);
    if (HASH_ADDED(k, hh))
        return k;
    free(k);
    return NULL;
}

/* ---- may it ---- */

static bool is_running_on(const struct polite *p, const struct ip *ip)
{
    for (const struct known *k = p->running; k; k = k->next)
        if (ip_equal(&k->at.ip, ip))
            return true;
    return false;
}

static err_t wait(char why[POLITE_WHY_MAX], const char *what, int64_t seconds)
{
    char text[TEXT_DURATION_MAX];
    snprintf(why, POLITE_WHY_MAX, "%s: not for %s", what, text_duration(seconds, text));
    return ERR_LIMIT;
}

static uint64_t bytes_today(const struct known *k, int64_t now_s)
{
    return k && k->day_s > now_s - POLITE_PERIOD_S ? k->bytes : 0;
}

uint64_t polite_bytes_left(const struct polite *p, const struct ipport *at, int64_t now_s)
{
    uint64_t used = bytes_today(find(p, at), now_s);
    return used < p->bytes_a_day ? p->bytes_a_day - used : 0;
}

int64_t polite_wait_s(const struct polite *p, const struct ipport *at, int64_t now_s)
{
    const struct known *k = consent_is_free(at) ? NULL : find(p, at);
    int64_t until_s = k ? k->alone_until_s : now_s;
    if (k && k->began_s[0] + POLITE_PERIOD_S > until_s)
        until_s = k->began_s[0] + POLITE_PERIOD_S;
    if (bytes_today(k, now_s) >= p->bytes_a_day && k->day_s + POLITE_PERIOD_S > until_s)
        until_s = k->day_s + POLITE_PERIOD_S;
    return until_s > now_s ? until_s - now_s : 0;
}

static err_t judge(const struct polite *p, const struct known *k, int64_t now_s,
                   char why[POLITE_WHY_MAX])
{
    if (k->alone_until_s > now_s)
        return wait(why, "it has sent us away, and is left alone", k->alone_until_s - now_s);
    if (k->began_s[0] > now_s - POLITE_PERIOD_S)
        return wait(why, "it was measured twice", k->began_s[0] + POLITE_PERIOD_S - now_s);
    if (bytes_today(k, now_s) >= p->bytes_a_day)
        return wait(why, "it has had its bytes for a day", k->day_s + POLITE_PERIOD_S - now_s);
    return OK;
}

static void begun(struct known *k, int64_t now_s)
{
    memmove(k->began_s, k->began_s + 1, sizeof k->began_s - sizeof k->began_s[0]);
    k->began_s[POLITE_RUNS_MOST - 1] = now_s;
}

err_t polite_begin(struct polite *p, const struct ipport *at, int64_t now_s,
                   char why[POLITE_WHY_MAX])
{
    if (is_running_on(p, &at->ip)) {
        snprintf(why, POLITE_WHY_MAX, "another run on its address is under way");
        return ERR_STATE;
    }
    return polite_begin_beside(p, at, now_s, why);
}

err_t polite_begin_beside(struct polite *p, const struct ipport *at, int64_t now_s,
                          char why[POLITE_WHY_MAX])
{
    struct known *k = find_or_add(p, at, now_s);
    if (!k) {
        snprintf(why, POLITE_WHY_MAX, "no memory for one relay more");
        return ERR_NOMEM;
    }
    if (k->running) {
        snprintf(why, POLITE_WHY_MAX, "another run of it is under way");
        return ERR_STATE;
    }
    if (!consent_is_free(at))
        TRY(judge(p, k, now_s, why));
    k->running = true;
    LL_PREPEND(p->running, k);
    begun(k, now_s);
    return OK;
}

/* ---- it was ---- */

static void ended(struct known *k, int64_t now_s, uint64_t bytes, bool sent_away)
{
    if (k->day_s <= now_s - POLITE_PERIOD_S) {
        k->day_s = now_s;
        k->bytes = 0;
    }
    k->bytes = k->bytes > UINT64_MAX - bytes ? UINT64_MAX : k->bytes + bytes;
    if (sent_away)
        k->alone_until_s = now_s + POLITE_PERIOD_S;
}

void polite_end(struct polite *p, const struct ipport *at, int64_t now_s, uint64_t bytes,
                bool sent_away)
{
    struct known *k = find(p, at);
    if (!k || !k->running)
        return;
    k->running = false;
    LL_DELETE(p->running, k);
    ended(k, now_s, bytes, sent_away);
}

err_t polite_note(struct polite *p, const struct ipport *at, int64_t began_s, uint64_t bytes,
                  bool sent_away)
{
    struct known *k = find_or_add(p, at, began_s);
    if (!k)
        return ERR_NOMEM;
    begun(k, began_s);
    ended(k, began_s, bytes, sent_away);
    return OK;
}

/* ---- links ---- */

unsigned polite_sockets(unsigned asked)
{
    return asked < POLITE_SOCKETS_MOST ? asked : POLITE_SOCKETS_MOST;
}

unsigned polite_open_at_ms(unsigned i, unsigned n)
{
    return n ? (unsigned)((uint64_t)i * POLITE_OPEN_MS / n) : 0;
}
