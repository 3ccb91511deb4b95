#include "measure/polite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "measure/consent.h"

enum { RUN_NAMES_MOST = 8 };

/* What a relay is known by: its address, or an identity. Bytes alone, so that there is no padding
 * that anything could stand in. */
struct key {
    uint8_t kind, b[32];
};

enum { BY_RSA = 1, BY_ED, BY_ADDRESS = 0x80 /* and the family */ };

/* A relay under one of its names, as far as this period goes. */
struct known {
    struct key key;
    int64_t began_s[POLITE_RUNS_MOST]; /* the last ones, the oldest first; 0: none */
    int64_t alone_until_s;
    int64_t day_s; /* when BYTES began to be counted */
    uint64_t bytes;
    const struct polite_run *run; /* that goes on; NULL: none does */
    UT_hash_handle hh;
};

struct polite_run {
    int64_t began_s;
    bool is_free, counts;
    struct known *names[RUN_NAMES_MOST];
    size_t n;
    struct polite_run *next;
};

struct polite {
    uint64_t bytes_a_day;
    struct known *by_name;
    struct polite_run *running;
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
    HASH_DEL(p->by_name, k);
    free(k);
}

void polite_free(struct polite *p)
{
    struct known *k, *next;
    struct polite_run *run, *more;
    if (!p)
        return;
    HASH_ITER (hh, p->by_name, k, next)
        drop(p, k);
    LL_FOREACH_SAFE (p->running, run, more)
        free(run);
    free(p);
}

/* ---- names ---- */

struct names {
    struct key key[3];
    size_t n;
};

static struct key key_of_ip(const struct ip *ip)
{
    struct key key = {.kind = (uint8_t)(BY_ADDRESS | ip->family)};
    memcpy(key.b, ip->b, sizeof ip->b);
    return key;
}

/* The rest of an address' key is its port. */
static bool key_is_on(const struct key *key, const struct ip *ip)
{
    const struct key other = key_of_ip(ip);
    return key->kind == other.kind && memcmp(key->b, other.b, sizeof ip->b) == 0;
}

static bool is_free(const struct meas_relay *r)
{
    return r->n_addrs && consent_is_free(&r->addrs[0]);
}

/* By the first address alone: the others are what somebody says of it, and may be another's. What
 * is of this machine is known by where it is. */
static struct names names_of(const struct meas_relay *r)
{
    struct names names = {.n = 0};
    if (r->n_addrs && r->addrs[0].ip.family != IP_NONE) {
        struct key *key = &names.key[names.n++];
        *key = key_of_ip(&r->addrs[0].ip);
        memcpy(key->b + sizeof r->addrs[0].ip.b, &r->addrs[0].port, sizeof r->addrs[0].port);
    }
    if (r->has_fp && !is_free(r)) {
        struct key *key = &names.key[names.n++];
        *key = (struct key){.kind = BY_RSA};
        memcpy(key->b, r->fp.b, sizeof r->fp.b);
    }
    if (r->has_ed25519 && !is_free(r)) {
        struct key *key = &names.key[names.n++];
        *key = (struct key){.kind = BY_ED};
        memcpy(key->b, r->ed25519.b, sizeof r->ed25519.b);
    }
    return names;
}

static struct known *find(const struct polite *p, const struct key *key)
{
    struct known *k;
    HASH_FIND(hh, p->by_name, key, sizeof *key, k);
    return k;
}

static bool is_old(const struct known *k, int64_t now_s)
{
    return !k->run && k->alone_until_s <= now_s && k->day_s <= now_s - POLITE_PERIOD_S &&
           k->began_s[POLITE_RUNS_MOST - 1] <= now_s - POLITE_PERIOD_S;
}

static void forget_old(struct polite *p, int64_t now_s)
{
    struct known *k, *next;
    HASH_ITER (hh, p->by_name, k, next)
        if (is_old(k, now_s))
            drop(p, k);
}

static struct known *find_or_add(struct polite *p, const struct key *key, int64_t now_s)
{
    struct known *k = find(p, key);
    if (k)
        return k;
    if (HASH_COUNT(p->by_name) >= POLITE_NAMES_MOST)
        forget_old(p, now_s);
    if (HASH_COUNT(p->by_name) >= POLITE_NAMES_MOST || !(k = calloc(1, sizeof *k)))
        return NULL;
    k->key = *key;
    HASH_ADD(hh, p->by_name, key, sizeof k->key, k);
    if (HASH_ADDED(k, hh))
        return k;
    free(k);
    return NULL;
}

/* ---- may it ---- */

static bool is_running_on(const struct polite *p, const struct meas_relay *r)
{
    for (const struct polite_run *run = r->n_addrs ? p->running : NULL; run; run = run->next)
        for (size_t i = 0; i < run->n; i++)
            if (key_is_on(&run->names[i]->key, &r->addrs[0].ip))
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

uint64_t polite_bytes_left(const struct polite *p, const struct meas_relay *r, int64_t now_s)
{
    const struct names names = names_of(r);
    uint64_t used = 0;
    for (size_t i = 0; i < names.n; i++) {
        uint64_t bytes = bytes_today(find(p, &names.key[i]), now_s);
        used = bytes > used ? bytes : used;
    }
    return used < p->bytes_a_day ? p->bytes_a_day - used : 0;
}

static int64_t wait_s(const struct polite *p, const struct known *k, int64_t now_s)
{
    int64_t until_s = k ? k->alone_until_s : now_s;
    if (k && k->began_s[0] + POLITE_PERIOD_S > until_s)
        until_s = k->began_s[0] + POLITE_PERIOD_S;
    if (bytes_today(k, now_s) >= p->bytes_a_day && k->day_s + POLITE_PERIOD_S > until_s)
        until_s = k->day_s + POLITE_PERIOD_S;
    return until_s > now_s ? until_s - now_s : 0;
}

int64_t polite_wait_s(const struct polite *p, const struct meas_relay *r, int64_t now_s)
{
    const struct names names = names_of(r);
    int64_t most = 0;
    for (size_t i = 0; i < names.n && !is_free(r); i++) {
        int64_t s = wait_s(p, find(p, &names.key[i]), now_s);
        most = s > most ? s : most;
    }
    return most;
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

/* From the first word on nobody forgets it. */
static err_t take_name(struct polite *p, struct polite_run *run, const struct key *key,
                       char why[POLITE_WHY_MAX])
{
    struct known *k = run->n < RUN_NAMES_MOST ? find_or_add(p, key, run->began_s) : NULL;
    if (!k) {
        snprintf(why, POLITE_WHY_MAX, "no memory for one relay more");
        return ERR_NOMEM;
    }
    if (k->run == run)
        return OK;
    if (k->run) {
        snprintf(why, POLITE_WHY_MAX, "another run of it is under way");
        return ERR_STATE;
    }
    k->run = run;
    run->names[run->n++] = k;
    return run->is_free ? OK : judge(p, k, run->began_s, why);
}

/* All of them, or none. */
static err_t take_names(struct polite *p, struct polite_run *run, const struct meas_relay *r,
                        char why[POLITE_WHY_MAX])
{
    const struct names names = names_of(r);
    size_t had = run->n;
    err_t e = OK;
    for (size_t i = 0; e == OK && i < names.n; i++)
        e = take_name(p, run, &names.key[i], why);
    for (size_t i = had; e == OK && run->counts && i < run->n; i++)
        begun(run->names[i], run->began_s);
    while (e != OK && run->n > had)
        run->names[--run->n]->run = NULL;
    return e;
}

err_t polite_begin(struct polite *p, const struct meas_relay *r, int64_t now_s,
                   char why[POLITE_WHY_MAX], struct polite_run **out)
{
    if (is_running_on(p, r)) {
        snprintf(why, POLITE_WHY_MAX, "another run on its address is under way");
        return ERR_STATE;
    }
    return polite_begin_beside(p, r, now_s, why, out);
}

err_t polite_begin_beside(struct polite *p, const struct meas_relay *r, int64_t now_s,
                          char why[POLITE_WHY_MAX], struct polite_run **out)
{
    struct polite_run *run = calloc(1, sizeof *run);
    if (!run) {
        snprintf(why, POLITE_WHY_MAX, "no memory for one run more");
        return ERR_NOMEM;
    }
    *run = (struct polite_run){.began_s = now_s, .is_free = is_free(r)};
    err_t e = take_names(p, run, r, why);
    if (e != OK) {
        free(run);
        return e;
    }
    LL_PREPEND(p->running, run);
    *out = run;
    return OK;
}

err_t polite_learn(struct polite *p, struct polite_run *run, const struct meas_relay *r,
                   char why[POLITE_WHY_MAX])
{
    return run->is_free ? OK : take_names(p, run, r, why);
}

void polite_counts(struct polite_run *run)
{
    for (size_t i = 0; !run->counts && i < run->n; i++)
        begun(run->names[i], run->began_s);
    run->counts = true;
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

void polite_end(struct polite *p, struct polite_run *run, int64_t now_s, uint64_t bytes,
                bool sent_away)
{
    for (size_t i = 0; i < run->n; i++) {
        run->names[i]->run = NULL;
        ended(run->names[i], now_s, bytes, sent_away);
    }
    LL_DELETE(p->running, run);
    free(run);
}

err_t polite_note(struct polite *p, const struct meas_relay *r, int64_t began_s, uint64_t bytes,
                  bool sent_away)
{
    const struct names names = names_of(r);
    for (size_t i = 0; i < names.n; i++) {
        struct known *k = find_or_add(p, &names.key[i], began_s);
        if (!k)
            return ERR_NOMEM;
        begun(k, began_s);
        ended(k, began_s, bytes, sent_away);
    }
    return OK;
}

err_t polite_note_away(struct polite *p, const struct meas_relay *r, int64_t when_s)
{
    const struct names names = names_of(r);
    for (size_t i = 0; i < names.n; i++) {
        struct known *k = find_or_add(p, &names.key[i], when_s);
        if (!k)
            return ERR_NOMEM;
        ended(k, when_s, 0, true);
    }
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
