/* What a coordinator takes its relays from: a consensus, which nobody has signed, counts for
 * nothing; and one that was believed all the same, with descriptors, makes a listing that keeps its
 * order, relays of a schedule and lines of a bandwidth file. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/bwfile.h"
#include "measure/listing_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { NOW = 1767225600, WANTED = 8 };

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void look(struct listing *l)
{
    struct rsa_id wanted[WANTED];
    struct roster roster;
    struct bwfile *b = bwfile_new(NOW, BWFILE_AGE_S);
    for (size_t i = 0; i < listing_n(l); i++) {
        const struct listed_relay *r = listing_at(l, i);
        must(listing_find(l, &r->rsa) == r);
        must(i == 0 || memcmp(listing_at(l, i - 1)->rsa.b, r->rsa.b, sizeof r->rsa.b) < 0);
    }
    must(listing_wanted(l, NOW, wanted, WANTED) <= WANTED);
    roster_init(&roster);
    (void)!listing_families(l);
    (void)!listing_enrol(l, NOW, &roster);
    must(roster.n <= listing_n(l));
    roster_free(&roster);
    if (b)
        (void)!bwfile_listing(b, l);
    bwfile_free(b);
}

/* As if it had been signed. */
static void believe(struct listing *l, struct text text)
{
    struct consensus *c = NULL;
    if (consensus_parse_kind(text, CONSENSUS_MICRODESC, &c) != OK &&
        consensus_parse_kind(text, CONSENSUS_NS, &c) != OK)
        return;
    (void)!listing_consensus(l, c);
    listing_identities(l, c);
    consensus_free(&c);
}

static void over(void *arg, const struct listing_sum *sum)
{
    (void)arg;
    must(!sum->bad || sum->first_bad[0]);
}

static void read_descriptors(struct listing *l, struct text text)
{
    static const struct listing_reader_ops ops = {.over = over};
    struct env env = {.mono_us = 1, .wall_us = NOW * INT64_C(1000000)};
    struct listing_reader *r = listing_reader_new(&env, l, &ops, NULL);
    struct blob blob = blob_copy(text);
    if (!r || !blob.release) {
        blob_drop(&blob);
        listing_reader_free(r);
        return;
    }
    must(listing_reader_add(r, blob) == OK);
    for (int i = 0; !listing_reader_is_idle(r) && i < 1000; i++) {
        env.mono_us += 1000;
        env_run_timers(&env);
    }
    must(listing_reader_is_idle(r));
    listing_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct text text = {(const char *)data, len};
    const struct rsa_id auth = {.b = {1}};
    const struct listing_trust trust = {&auth, 1};
    const struct sha256 pin = {.b = {1}};
    char why[LISTING_WHY_MAX] = "";
    must(crypto_init() == OK);
    struct listing *l = listing_new(&pin);
    if (!l)
        return 0;
    must(listing_read_consensus(l, &trust, text, text, NOW, why) != OK && *why && !listing_n(l));
    believe(l, text);
    read_descriptors(l, text);
    look(l);
    listing_free(l);
    return 0;
}
