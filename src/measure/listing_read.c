#include "measure/listing_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/store.h"

/* ---- a consensus ---- */

static err_t parse(struct text text, struct consensus **out)
{
    err_t e = consensus_parse_kind(text, CONSENSUS_MICRODESC, out);
    return e == ERR_UNSUPPORTED ? consensus_parse_kind(text, CONSENSUS_NS, out) : e;
}

static err_t verify(const struct consensus *c, const struct listing_trust *trust,
                    struct text certs_text, int64_t now_s, char why[LISTING_WHY_MAX])
{
    struct authcert_set certs;
    struct store_report report;
    struct consensus_verdict verdict;
    authcert_set_init(&certs);
    err_t e = store_load_certs(certs_text, &certs, &report);
    if (e == OK)
        e = consensus_verify(c, trust->auths, trust->n_auths, &certs, now_s, &verdict);
    if (e == ERR_UNDERSIGNED)
        snprintf(why, LISTING_WHY_MAX,
                 "%zu of the %zu authorities' signatures that it takes are good, %zu are wrong, "
                 "%zu lack their certificates, and %zu are nobody's that we know",
                 verdict.good, verdict.needed, verdict.bad, verdict.missing, verdict.unknown);
    else if (e != OK)
        snprintf(why, LISTING_WHY_MAX, "%s", err_text(e));
    authcert_set_clear(&certs);
    return e;
}

static err_t judge(const struct consensus *c, const struct listing_trust *trust, struct text certs,
                   int64_t now_s, char why[LISTING_WHY_MAX])
{
    enum liveness live = consensus_liveness(c, now_s);
    TRY(verify(c, trust, certs, now_s, why));
    if (live != LIVE_EXPIRED && live != LIVE_TOO_EARLY)
        return OK;
    consensus_clock_text(c, now_s, why);
    return live == LIVE_EXPIRED ? ERR_EXPIRED : ERR_NOT_YET_VALID;
}

err_t listing_read_consensus(struct listing *l, const struct listing_trust *trust,
                             struct text consensus, struct text certs, int64_t now_s,
                             char why[LISTING_WHY_MAX])
{
    struct consensus *c = NULL;
    err_t e = parse(consensus, &c);
    if (e != OK)
        snprintf(why, LISTING_WHY_MAX, "it cannot be read: %s", err_text(e));
    else if (c->valid_after_s <= listing_valid_after_s(l))
        e = ERR_STATE;
    else if ((e = judge(c, trust, certs, now_s, why)) == OK)
        e = listing_consensus(l, c);
    if (e == ERR_NOMEM)
        snprintf(why, LISTING_WHY_MAX, "out of memory");
    consensus_free(&c);
    return e;
}

/* ---- descriptors ---- */

/* Of those that are known, a turn takes more. */
enum { TURN_VERIFIED = 8, TURN_READ = 128, TURN_MS = 1 };

struct listing_reader {
    struct env *env;
    struct listing *listing;
    const struct listing_reader_ops *ops;
    void *arg;
    struct blob texts[LISTING_TEXTS_MOST];
    size_t n_texts;
    struct text rest; /* of the first */
    struct listing_sum sum;
    struct timer turn;
};

static void count(struct listing_sum *sum, err_t e, const char *why)
{
    switch (e) {
    case OK:
        sum->taken++;
        break;
    case ERR_STATE:
        sum->known++;
        break;
    case ERR_NOT_FOUND:
        sum->strangers++;
        break;
    case ERR_EXPIRED:
        sum->old++;
        break;
    case ERR_NOMEM:
        sum->unread++;
        break;
    default:
        if (!sum->bad++)
            snprintf(sum->first_bad, sizeof sum->first_bad, "%s", why);
        break;
    }
}

/* False: there are no more. *COST goes up if signatures were looked at. */
static bool take_one(struct listing_reader *r, unsigned *cost)
{
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX] = "it cannot be read";
    err_t e = descriptor_next(&r->rest, &d);
    if (e == ERR_NOT_FOUND)
        return false;
    if (!r->rest.len && (e != OK || !descriptor_has(&d, DESCRIPTOR_SIG_RSA)))
        return false; /* the end of what is being written still */
    if (e == OK)
        e = listing_descriptor(r->listing, &d, env_wall_s(r->env), why);
    *cost += e == ERR_STATE || e == ERR_NOT_FOUND ? 0 : 1;
    count(&r->sum, e, why);
    if (e == OK && r->ops->taken)
        r->ops->taken(r->arg, d.body);
    return true;
}

static void over(struct listing_reader *r)
{
    const struct listing_sum sum = r->sum;
    blob_drop(&r->texts[0]);
    r->n_texts--;
    memmove(&r->texts[0], &r->texts[1], r->n_texts * sizeof r->texts[0]);
    r->rest = r->n_texts ? r->texts[0].text : (struct text){NULL, 0};
    r->sum = (struct listing_sum){.taken = 0};
    if (r->n_texts)
        env_arm_ms(r->env, &r->turn, TURN_MS);
    r->ops->over(r->arg, &sum);
}

static void turn(void *arg)
{
    struct listing_reader *r = arg;
    unsigned cost = 0;
    for (unsigned i = 0; i < TURN_READ && cost < TURN_VERIFIED; i++)
        if (!take_one(r, &cost)) {
            over(r);
            return;
        }
    env_arm_ms(r->env, &r->turn, TURN_MS);
}

struct listing_reader *listing_reader_new(struct env *env, struct listing *l,
                                          const struct listing_reader_ops *ops, void *arg)
{
    struct listing_reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct listing_reader){.env = env, .listing = l, .ops = ops, .arg = arg};
    timer_init(&r->turn, turn, r);
    return r;
}

void listing_reader_free(struct listing_reader *r)
{
    if (!r)
        return;
    env_disarm(r->env, &r->turn);
    for (size_t i = 0; i < r->n_texts; i++)
        blob_drop(&r->texts[i]);
    free(r);
}

err_t listing_reader_add(struct listing_reader *r, struct blob gift_text)
{
    if (r->n_texts == LISTING_TEXTS_MOST) {
        blob_drop(&gift_text);
        return ERR_LIMIT;
    }
    r->texts[r->n_texts++] = gift_text;
    if (r->n_texts > 1)
        return OK;
    r->rest = gift_text.text;
    env_arm_ms(r->env, &r->turn, 0);
    return OK;
}

bool listing_reader_is_idle(const struct listing_reader *r)
{
    return r->n_texts == 0;
}
