/* What guard-spec says of a guard set, in its own words and with none of guards.c's code: the test
 * tells it what happened, and it says what the set must look like now. Of what is drawn at random
 * (who is sampled, how far dates lie back) it takes what the set chose, once it has checked that
 * the specification allows it. C tor 0.4.9.11 decides where it is another: proposal 310's order,
 * bug 41280's lifetimes. Times are in whole seconds. */
#ifndef TUNIC_TESTS_GUARDORACLE_H
#define TUNIC_TESTS_GUARDORACLE_H

#include <time.h>

#include "path/guardbed.h"

/* ck_assert() writes to the test's parent each time, and this asks millions of times. */
#define must(what) ((what) ? (void)0 : ck_abort_msg("%s", #what))

enum { OG_MOST = 128, MINUTE = 60, HOUR = 60 * MINUTE, OC_MOST = 4 };

enum og_reach { OG_MAYBE, OG_YES, OG_NO };

struct og {
    struct rsa_id rsa;
    char nick[20];
    int64_t sampled_on, confirmed_on, unlisted_since; /* 0: not */
    bool listed, primary, pending;
    enum og_reach reach;
    int64_t tried, failing; /* 0: not */
    int place;              /* among the confirmed; -1: not confirmed */
    int64_t worked_on;      /* when it was confirmed, in truth */
};

/* A circuit through a guard. */
struct oc {
    enum { OC_NONE, OC_SURE, OC_UNSURE, OC_WAITING, OC_COMPLETE } state;
    struct rsa_id guard, apart;
    bool is_apart;
    int64_t since;
};

struct oracle {
    struct og g[OG_MOST];
    size_t n;
    int64_t online; /* 0: never since the start */
    size_t guards;  /* in the newest consensus, */
    int64_t heard;  /* which came then */
    struct oc c[OC_MOST];
};

/* guard-spec A.1 */
enum {
    GUARD_LIFETIME_S = 120 * DAY,
    GUARD_CONFIRMED_MIN_LIFETIME_S = 60 * DAY,
    REMOVE_UNLISTED_GUARDS_AFTER_S = 20 * DAY,
    MIN_FILTERED_SAMPLE = 20,
    MAX_SAMPLE_SIZE = 60,
    N_PRIMARY_GUARDS = 3,
    INTERNET_LIKELY_DOWN_INTERVAL_S = 10 * MINUTE,
    NONPRIMARY_GUARD_CONNECT_TIMEOUT_S = 15,
    NONPRIMARY_GUARD_IDLE_TIMEOUT_S = 10 * MINUTE,
};

static inline struct og *og_find(struct oracle *o, const struct rsa_id *id)
{
    for (size_t i = 0; i < o->n; i++)
        if (rsa_id_equal(&o->g[i].rsa, id))
            return &o->g[i];
    return NULL;
}

/* {GUARDS}: "They must have the flags: Stable, Fast, V2Dir, Guard." */
static inline bool og_is_guard(const struct netgen_relay *r)
{
    static const char *const all[] = {"Stable", "Fast", "V2Dir", "Guard", "Running", "Valid"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (!strstr(r->flags, all[i]))
            return false;
    return true;
}

/* "every 10 minutes for the first six hours", and so on, by how long it has been failing */
static inline int64_t og_retry_after(int64_t failing_for, bool primary)
{
    if (failing_for <= 6 * HOUR)
        return primary ? 10 * MINUTE : HOUR;
    if (failing_for <= (6 + 90) * HOUR)
        return primary ? 90 * MINUTE : 4 * HOUR;
    if (failing_for <= (6 + 90) * HOUR + 3 * DAY)
        return primary ? 4 * HOUR : 18 * HOUR;
    return primary ? 9 * HOUR : 36 * HOUR;
}

static inline void og_consider_retry(struct og *g, int64_t now)
{
    if (g->reach == OG_NO && now - g->tried >= og_retry_after(now - g->failing, g->primary))
        g->reach = OG_MAYBE;
}

/* No more than {MAX_SAMPLE_THRESHOLD} (20%) of the guards, nor {MAX_SAMPLE_SIZE}, but at least
 * {MIN_FILTERED_SAMPLE}. */
static inline size_t oracle_most(const struct oracle *o)
{
    size_t most = o->guards / 5 < MAX_SAMPLE_SIZE ? o->guards / 5 : MAX_SAMPLE_SIZE;
    return most > MIN_FILTERED_SAMPLE ? most : MIN_FILTERED_SAMPLE;
}

/* {USABLE_FILTERED_GUARDS}; nothing is filtered here but what is not listed. */
static inline size_t oracle_usable(const struct oracle *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++)
        n += o->g[i].listed && o->g[i].reach != OG_NO;
    return n;
}

/* How many must be added now, as the sample is going to be used. */
static inline size_t oracle_lacks(const struct oracle *o)
{
    size_t usable = oracle_usable(o), most = oracle_most(o);
    size_t lacks = usable < MIN_FILTERED_SAMPLE ? MIN_FILTERED_SAMPLE - usable : 0;
    size_t room = o->n < most ? most - o->n : 0;
    size_t left = o->guards > o->n ? o->guards - o->n : 0; /* enough of them, as a rule */
    lacks = lacks < room ? lacks : room;
    return lacks < left ? lacks : left;
}

/* "take the ordered intersection of {CONFIRMED_GUARDS} and {FILTERED_GUARDS}", then those that were
 * primary, then others that are usable; how many had not been there before, or are missing. */
static inline size_t oracle_primary(struct oracle *o)
{
    bool was[OG_MOST];
    size_t n = 0, fresh = 0;
    for (size_t i = 0; i < o->n; i++) {
        was[i] = o->g[i].primary;
        o->g[i].primary = false;
    }
    for (int kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < o->n && n < N_PRIMARY_GUARDS; i++) {
            struct og *g = &o->g[i];
            bool fits = kind == 0 ? g->place >= 0 : kind == 1 ? was[i] : g->reach != OG_NO;
            if (g->primary || !g->listed || !fits)
                continue;
            g->primary = true;
            n++;
            fresh += kind == 2;
        }
    return fresh + (N_PRIMARY_GUARDS - n);
}

/* The sample's newest members are taken over: WANTED of them, if the set does what it should. */
static inline void oracle_adopt(struct oracle *o, struct bed *b, size_t wanted)
{
    int64_t now = env_wall_s(b->env);
    struct guard_info info;
    must(guards_n(b->g) == o->n + wanted);
    for (; wanted; wanted--) {
        must(guards_at(b->g, o->n, &info));
        must(!og_find(o, &info.rsa));
        /* "RAND(now, {GUARD_LIFETIME}/10)" */
        must(info.sampled_on_s <= now && info.sampled_on_s > now - GUARD_LIFETIME_S / 10);
        struct og *g = &o->g[o->n++];
        *g = (struct og){
            .rsa = info.rsa, .sampled_on = info.sampled_on_s, .listed = true, .place = -1};
        snprintf(g->nick, sizeof g->nick, "%s", info.nickname);
    }
}

/* A confirmed guard that goes for its age has been one for 48 to 60 days. */
static inline void og_check_life(const struct oracle *o, const struct og *g, int64_t now)
{
    if (g->place < 0 || !g->listed)
        return;
    must(now - g->worked_on > 48 * DAY);
    must(o->heard - g->worked_on <= 60 * DAY); /* and it went with the first consensus */
}

static inline bool og_is_over(const struct og *g, int64_t now)
{
    if (!g->listed && now - g->unlisted_since > REMOVE_UNLISTED_GUARDS_AFTER_S)
        return true;
    if (g->place >= 0)
        return now - g->confirmed_on > GUARD_CONFIRMED_MIN_LIFETIME_S;
    return now - g->sampled_on > GUARD_LIFETIME_S;
}

static inline void oracle_remove(struct oracle *o, size_t i)
{
    for (size_t k = 0; k < o->n; k++) /* those behind it move up */
        o->g[k].place -= o->g[i].place >= 0 && o->g[k].place > o->g[i].place;
    memmove(&o->g[i], &o->g[i + 1], (o->n - i - 1) * sizeof o->g[0]);
    o->n--;
}

/* guard-spec 4.10, with the N relays of a live consensus; the set has heard of it. */
static inline void oracle_consensus(struct oracle *o, struct bed *b)
{
    int64_t now = env_wall_s(b->env);
    struct guard_info info;
    o->guards = 0;
    for (size_t i = 0; i < RELAYS; i++)
        o->guards += og_is_guard(&b->relays[i]);
    for (size_t i = 0; i < o->n; i++) {
        struct og *g = &o->g[i];
        bool listed = false;
        for (size_t k = 0; k < RELAYS && !listed; k++)
            listed = memcmp(b->relays[k].rsa, g->rsa.b, 20) == 0 && og_is_guard(&b->relays[k]);
        if (g->listed && !listed) {
            info = info_of(b, &g->rsa); /* it is not over yet */
            g->unlisted_since = info.nickname ? info.unlisted_since_s : now;
            must(g->unlisted_since <= now &&
                 g->unlisted_since > now - REMOVE_UNLISTED_GUARDS_AFTER_S / 5);
        } else if (listed) {
            g->unlisted_since = 0;
        }
        g->listed = listed;
    }
    for (size_t i = o->n; i-- > 0;)
        if (og_is_over(&o->g[i], now)) {
            og_check_life(o, &o->g[i], now);
            oracle_remove(o, i);
        }
    o->heard = now;
    for (size_t i = 0; i < o->n; i++)
        if (o->g[i].listed)
            og_consider_retry(&o->g[i], now);
    struct oracle before = *o;
    oracle_adopt(o, b, oracle_primary(&before) ? oracle_lacks(o) : 0);
    oracle_primary(o);
}

/* guard-spec 4.8 */
static inline void oracle_succeeded(struct oracle *o, struct bed *b, const struct rsa_id *id)
{
    int64_t now = env_wall_s(b->env), online = o->online;
    struct og *g = og_find(o, id);
    o->online = now;
    if (!g)
        return;
    g->reach = OG_YES;
    g->failing = 0;
    g->pending = false;
    if (g->place < 0) {
        g->place = 0;
        g->worked_on = now;
        for (size_t i = 0; i < o->n; i++)
            if (&o->g[i] != g && o->g[i].place >= g->place)
                g->place = o->g[i].place + 1;
        g->confirmed_on = info_of(b, id).confirmed_on_s;
        must(g->confirmed_on <= now && g->confirmed_on > now - GUARD_LIFETIME_S / 10);
        oracle_primary(o);
    }
    if (!g->primary && (!online || now - online > INTERNET_LIKELY_DOWN_INTERVAL_S))
        for (size_t i = 0; i < o->n; i++)
            if (o->g[i].primary && o->g[i].reach == OG_NO)
                o->g[i].reach = OG_MAYBE;
}

static inline void oracle_failed(struct oracle *o, struct bed *b, const struct rsa_id *id)
{
    struct og *g = og_find(o, id);
    if (!g)
        return;
    g->reach = OG_NO;
    g->pending = false;
    if (!g->failing)
        g->failing = env_wall_s(b->env);
    if (!g->tried) /* it was another time in the sample when that circuit was begun */
        g->tried = env_wall_s(b->env);
}

/* ---- picking (guard-spec 4.6) ---- */

static inline struct og *oracle_lesser(struct oracle *o, const struct rsa_id *apart, bool confirmed)
{
    for (size_t i = 0; i < o->n; i++) {
        struct og *g = &o->g[i];
        if (!g->primary && g->listed && g->reach != OG_NO && (g->place >= 0) == confirmed &&
            !g->pending && !(apart && rsa_id_equal(apart, &g->rsa)))
            return g;
    }
    return NULL;
}

/* The set has picked GUARD (NULL: nobody) among its first N_USE primary guards, or others, not to
 * be APART: was that right? */
static inline void oracle_picked(struct oracle *o, struct bed *b, const struct rsa_id *guard,
                                 const struct rsa_id *apart, size_t n_use, bool sure)
{
    int64_t now = env_wall_s(b->env);
    struct og *fit[N_PRIMARY_GUARDS], *chosen = NULL;
    size_t n = 0, considered = 0;
    for (size_t i = 0; i < o->n; i++)
        og_consider_retry(&o->g[i], now);
    for (size_t i = 0; i < o->n && (considered < n_use || !n); i++) {
        struct og *g = &o->g[i];
        bool out = apart && rsa_id_equal(apart, &g->rsa);
        if (!g->primary)
            continue;
        if (!out && g->reach != OG_NO)
            fit[n++] = g;
        considered += out || g->reach != OG_NO;
    }
    for (size_t i = 0; i < n && guard; i++)
        if (rsa_id_equal(&fit[i]->rsa, guard))
            chosen = fit[i];
    must(!n || chosen);
    if (!n && !(chosen = oracle_lesser(o, apart, true))) {
        oracle_adopt(o, b, oracle_lacks(o));
        chosen = oracle_lesser(o, apart, false);
    }
    must((chosen != NULL) == (guard != NULL));
    if (!chosen) { /* "we proceed by marking all guards as <maybe> reachable" */
        for (size_t i = 0; i < o->n; i++)
            o->g[i].reach = o->g[i].reach == OG_NO ? OG_MAYBE : o->g[i].reach;
        return;
    }
    must(rsa_id_equal(&chosen->rsa, guard));
    must((sure) == (chosen->primary));
    for (size_t i = 0; i < n; i++) /* C tor: those, too, that were considered only */
        fit[i]->tried = now;
    chosen->tried = now;
    chosen->pending = !chosen->primary;
}

/* ---- circuits that wait (guard-spec 4.9) ---- */

static inline bool og_better(const struct og *a, const struct og *b)
{
    if (a->place >= 0 && b->place >= 0)
        return a->place < b->place;
    if (a->place >= 0 || b->place >= 0)
        return a->place >= 0;
    if (a->pending && b->pending)
        return a->tried < b->tried;
    return a->pending && !b->pending;
}

static inline bool oracle_may_use(struct oracle *o, struct oc *c, int64_t now)
{
    struct og *mine = og_find(o, &c->guard);
    if (c->state != OC_WAITING || !mine)
        return c->state == OC_COMPLETE;
    for (size_t i = 0; i < o->n && !mine->primary; i++) {
        if (!o->g[i].primary)
            continue;
        og_consider_retry(&o->g[i], now);
        if (o->g[i].reach != OG_NO)
            return false;
    }
    for (size_t i = 0; i < OC_MOST && !mine->primary; i++) {
        const struct oc *other = &o->c[i];
        struct og *its = og_find(o, &other->guard);
        bool alive =
            other->state == OC_COMPLETE || other->state == OC_WAITING ||
            (other->state == OC_UNSURE && now - other->since < NONPRIMARY_GUARD_CONNECT_TIMEOUT_S);
        if (its && alive && its != mine && og_better(its, mine) &&
            !(c->is_apart && rsa_id_equal(&c->apart, &its->rsa)))
            return false;
    }
    c->state = OC_COMPLETE;
    c->since = now;
    return true;
}

/* ---- comparing ---- */

static inline const char *og_date(int64_t t, char out[32])
{
    time_t at = (time_t)t;
    struct tm tm;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%S", gmtime_r(&at, &tm));
    return out;
}

/* What the state file must say of G, in tor's order of fields. */
static inline void og_line(const struct og *g, size_t i, char out[512])
{
    char date[32], id[41];
    int at = snprintf(out, 512, "Guard in=default rsa_id=%s nickname=%s sampled_on=%s ",
                      hex_upper(g->rsa.b, 20, id), g->nick, og_date(g->sampled_on, date));
    at += snprintf(out + at, 512 - (size_t)at, "sampled_idx=%zu sampled_by=tunic-%s", i,
                   TUNIC_VERSION);
    if (g->unlisted_since)
        at += snprintf(out + at, 512 - (size_t)at, " unlisted_since=%s",
                       og_date(g->unlisted_since, date));
    at += snprintf(out + at, 512 - (size_t)at, " listed=%d", g->listed);
    if (g->place >= 0)
        at += snprintf(out + at, 512 - (size_t)at, " confirmed_on=%s confirmed_idx=%d",
                       og_date(g->confirmed_on, date), g->place);
    snprintf(out + at, 512 - (size_t)at, "\n");
}

static inline void oracle_check_file(const struct oracle *o, const char *text)
{
    const char *at = strstr(text, "Guard ");
    char line[512];
    for (size_t i = 0; i < o->n; i++) {
        og_line(&o->g[i], i, line);
        if (!at || strncmp(at, line, strlen(line)) != 0)
            ck_abort_msg("guard %zu should be\n%s, but is %s", i, line, at);
        at += strlen(line);
    }
    must(!strstr(at, "Guard "));
}

static inline void oracle_check(const struct oracle *o, struct bed *b)
{
    struct guard_info info;
    must(guards_n(b->g) == o->n);
    for (size_t i = 0; i < o->n; i++) {
        const struct og *g = &o->g[i];
        must(guards_at(b->g, i, &info));
        must(rsa_id_equal(&info.rsa, &g->rsa));
        must(info.primary == g->primary);
        must(info.down == (g->reach == OG_NO));
        must((info.listed) == (g->listed));
        must((info.filtered) == (g->listed));
        must((info.confirmed) == (g->place >= 0));
        must((info.sampled_on_s) == (g->sampled_on));
        must((info.unlisted_since_s) == (g->unlisted_since));
        must((info.failing_since_s) == (g->failing));
    }
}

#endif
