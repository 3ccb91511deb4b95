/* Memory runs out where a listing is made, at each of its allocations in turn: the call that ran
 * out says so, what was known before is known after, and nothing leaks. */
#include "support/nomem.h"

#include <stdio.h>

#include "crypto/encode.h"
#include "dirdoc/relaydoc.h"
#include "measure/bwfile.h"
#include "measure/listing.h"
#include "support/test.h"

enum { RELAYS = 20, NOW = 1767225600, HOUR = 3600 };

static struct router routers[RELAYS];
static struct docw text; /* a descriptor of the first */
static struct descriptor d;
static const struct sha256 pin = {{1}};

static void make_documents(void)
{
    struct env *env = test_env(3);
    struct identity id;
    struct rsa_key *tap;
    char family[128] = " $", hex[HEX_SIZE(20)];
    ck_ok(identity_make(env, &id));
    ck_ok(rsa_key_generate_from(env, IDENTITY_RSA_BITS, &tap));
    for (unsigned i = 0; i < RELAYS; i++) {
        memset(routers[i].rsa.b, 0xff, sizeof routers[i].rsa.b);
        routers[i].rsa.b[19] = (uint8_t)i;
        routers[i].orport = 9001;
    }
    routers[0].rsa = id.rsa_id; /* the least: the others begin with 0xff */
    snprintf(family + 2, sizeof family - 2, "%s", hex_upper(routers[1].rsa.b, 20, hex));
    struct relaydoc_digests digests;
    const struct relaydoc doc = {.nickname = "tester",
                                 .or_port = {ip_v4((const uint8_t[]){192, 0, 2, 7}), 9001},
                                 .bandwidth_bytes = 1000000,
                                 .published_s = NOW - HOUR,
                                 .platform = "Tor 0.4.9.11 on Linux",
                                 .protos = RELAYDOC_PROTOS,
                                 .family = text_of(family),
                                 .policy = "reject *:*",
                                 .id = &id,
                                 .tap = tap};
    relaydoc_write_server(&text, &doc, NULL);
    relaydoc_sign(&text, 0, &id, &digests);
    ck_ok(text.err);
    struct text rest = docw_text(&text);
    ck_ok(descriptor_next(&rest, &d));
    identity_wipe(&id);
    rsa_key_free(tap);
    test_env_free(env);
}

static void is_told(err_t e, bool *all)
{
    NOMEM_PEACE(ck_assert_msg(e == OK || e == ERR_NOMEM, "%s", err_name(e)));
    *all &= e == OK;
}

/* Whether all of it went well. */
static bool once(struct listing *l)
{
    bool all = true;
    char why[DESCRIPTOR_WHY_MAX];
    struct consensus c = {
        .relays = routers, .n_relays = RELAYS, .valid_after_s = NOW, .valid_until_s = NOW + HOUR};
    struct roster roster;
    roster_init(&roster);
    is_told(listing_consensus(l, &c), &all);
    if (all)
        is_told(listing_descriptor(l, &d, NOW, why), &all);
    c.valid_after_s++;
    is_told(listing_consensus(l, &c), &all);
    NOMEM_PEACE(ck_assert(listing_n(l) == 0 || listing_n(l) == RELAYS));
    is_told(listing_families(l), &all);
    is_told(listing_enrol(l, NOW, &roster), &all);
    struct bwfile *b = bwfile_new(NOW, BWFILE_AGE_S);
    all &= b != NULL;
    if (b)
        is_told(bwfile_listing(b, l), &all);
    bwfile_free(b);
    roster_free(&roster);
    return all;
}

START_TEST(test_nomem_listing)
{
    uint64_t k = 0;
    make_documents();
    do {
        int64_t live = nomem.live;
        nomem_begin(++k, 1);
        nomem_in();
        struct listing *l = listing_new(&pin);
        bool all = l && once(l);
        nomem_out();
        /* Without the names of its family a relay is still known. */
        ck_assert(all || nomem.failed);
        listing_free(l);
        ck_assert_int_eq(nomem.live, live);
    } while (nomem.failed);
    ck_assert_uint_gt(k, 20);
    docw_free(&text);
}
END_TEST

TESTS("measure/nomem_listing", test_nomem_listing)
