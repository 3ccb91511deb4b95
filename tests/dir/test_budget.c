/* The step budget of every reader: work that grows with the length of the document and with nothing
 * else. Each trap is a text of the kind that makes a careless reader quadratic; four times as much
 * of it may take four times as long, and no more than the half of sixteen times. */
#include "dir/authcert.h"
#include "dir/consensus.h"
#include "dir/descriptor.h"
#include "dir/mdpool.h"
#include "dir/microdesc.h"
#include "dir/netdir.h"
#include "support/budget.h"

#define ALL_LINEAR(read, traps)                                     \
    for (size_t i = 0; i < sizeof(traps) / sizeof((traps)[0]); i++) \
    budget_is_linear(read, &(traps)[i])

/* ---- network statuses ---- */

#define HEAD                                                             \
    "network-status-version 3 microdesc\nvote-status consensus\n"        \
    "consensus-method 35\nvalid-after 2026-01-01 12:00:00\n"             \
    "fresh-until 2026-01-01 13:00:00\nvalid-until 2026-01-01 15:00:00\n" \
    "known-flags Running Valid\n"
#define AUTHORITY "dir-source a 9695DFC35FFEB861329B9F1AB04C46397020CE31 a 192.0.2.1 80 443\n"
#define ROW                                                                       \
    "r relay0 AAAAAQAAAAAAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 127.0.0.1 9001 0\n" \
    "m c9q+CgRo9PemeBChjRHjZzG7HS7DY020WRAGCfOz9TU\n"
#define FOOT      "directory-footer\n"
#define SIGNATURE "-----BEGIN SIGNATURE-----\nAAEC\n-----END SIGNATURE-----\n"
#define SIGNED    "directory-signature sha256 " FP " " FP "\n" SIGNATURE
#define FP        "9695DFC35FFEB861329B9F1AB04C46397020CE31"

static const struct budget_trap statuses[] = {
    {"lines nobody knows", HEAD, "x%u\n", ROW "s Valid\n" FOOT SIGNED},
    {"parameters", HEAD "params", " p%u=1", "\n" ROW "s Valid\n" FOOT SIGNED},
    {"a parameter's name", HEAD "params ", "p", "=1\n" ROW "s Valid\n" FOOT SIGNED},
    {"the same parameter", HEAD "params", " p=1", "\n" ROW "s Valid\n" FOOT SIGNED},
    {"authorities", HEAD, AUTHORITY, ROW "s Valid\n" FOOT SIGNED},
    {"protocols required", HEAD "required-client-protocols", " A%u=0-63", "\n" FOOT SIGNED},
    {"relays", HEAD,
     "r relay AAA%uAAAAAAAAAAAAAAAA 2038-01-01 00:00:00 127.0.0.1 9001 0\n"
     "m c9q+CgRo9PemeBChjRHjZzG7HS7DY020WRAGCfOz9TU\ns Running Valid\npr Link=1-5\n"
     "w Bandwidth=1\n",
     FOOT SIGNED},
    {"addresses", HEAD ROW "s Valid\n", "a [2001:db8::1]:443\n", FOOT SIGNED},
    {"flags", HEAD ROW "s", " Valid", "\n" FOOT SIGNED},
    {"the same line again", HEAD ROW, "s Valid\n", FOOT SIGNED},
    {"ranges of protocols", HEAD ROW "s Valid\npr Link=0-63", ",0-63", "\n" FOOT SIGNED},
    {"protocols", HEAD ROW "s Valid\npr", " Link=0-63", "\n" FOOT SIGNED},
    {"weights of a relay", HEAD ROW "s Valid\nw", " Bandwidth=1", "\n" FOOT SIGNED},
    {"bandwidth weights", HEAD ROW "s Valid\n" FOOT "bandwidth-weights", " Wbd=1", "\n" SIGNED},
    {"footers", HEAD ROW "s Valid\n", FOOT, SIGNED},
    {"signatures", HEAD ROW "s Valid\n" FOOT, SIGNED, ""},
    {"signatures of a kind nobody knows", HEAD ROW "s Valid\n" FOOT,
     "directory-signature x%u a b\n" SIGNATURE, ""},
    {"an object that does not end", HEAD "x\n-----BEGIN A-----\n", "AAAA\n", ""},
    {"objects that do not end", HEAD, "x\n-----BEGIN A-----\n", ""},
};

static void read_status(struct text text)
{
    for (unsigned kind = CONSENSUS_MICRODESC; kind <= CONSENSUS_VOTE; kind++) {
        struct consensus *c;
        (void)!(consensus_parse_kind(text, (enum consensus_kind)kind, &c) == OK);
        consensus_free(&c);
    }
}

START_TEST(test_budget_of_consensuses_and_votes)
{
    ALL_LINEAR(read_status, statuses);
}
END_TEST

/* ---- descriptors ---- */

#define ROUTER "router a 192.0.2.1 1 0 0\n"
#define CERT                                                             \
    "-----BEGIN FAMILY CERT-----\n"                                      \
    "AQwAB5+cAZr7/iEPZYCMZHbwSkYI5iO+a8wtZun+aYpp+mAK7sY4AQAgBADni0s6\n" \
    "IvhBktMlBFtpQDZvLdY7RpdkHBqHAnA/25SLFznPkUUOmkby8ou4zCj7AYZFF2GO\n" \
    "JnitFhJI9guFcn9xyD+MqyACsUfZB9hyS6yBmUk7Fj7XtzwSensPOmPLEgk=\n"     \
    "-----END FAMILY CERT-----\n"

static const struct budget_trap descriptors[] = {
    {"lines nobody knows", ROUTER, "x%u\n", ""},
    {"the same line again", ROUTER, "published 2026-01-01 00:00:00\n", ""},
    {"rules", ROUTER, "accept *:%u\n", ""},
    {"addresses", ROUTER, "or-address [2001:db8::1]:443\n", ""},
    {"families", ROUTER "family", " $" FP, "\n"},
    {"families' certificates", ROUTER, "family-cert\n" CERT, ""},
    {"groups of a fingerprint", ROUTER "fingerprint", " 0", "\n"},
    {"descriptors", "", ROUTER, ""},
    {"what is none, before each", "", "x\n" ROUTER, ""},
    {"annotations", "", "@x\n", ROUTER},
    {"empty lines", ROUTER, "\n", ""},
    {"signatures", ROUTER, "router-signature\n" SIGNATURE, ""},
    {"signatures that do not end", ROUTER, "router-signature\n-----BEGIN SIGNATURE-----\n", ""},
    {"extra-info documents", "", "extra-info a " FP "\n", ""},
};

static void read_descriptors(struct text text)
{
    struct text rest = text;
    struct descriptor d;
    struct ed_id family;
    char why[DESCRIPTOR_WHY_MAX];
    while (descriptor_next(&rest, &d) != ERR_NOT_FOUND) {
        struct doc_lines at = doc_over(d.body.s, d.body.len);
        while (descriptor_family_next(&at, &family))
            ;
        (void)!(descriptor_verify(&d, 0, why) == OK);
    }
    for (rest = text; descriptor_next_extra(&rest, &d) != ERR_NOT_FOUND;)
        (void)!(descriptor_verify_extra(&d, NULL, 0, why) == OK);
}

START_TEST(test_budget_of_descriptors)
{
    ALL_LINEAR(read_descriptors, descriptors);
}
END_TEST

/* ---- microdescriptors ---- */

#define MICRO "onion-key\nntor-onion-key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

static const struct budget_trap micros[] = {
    {"microdescriptors", "", MICRO, ""},
    {"lines nobody knows", "", MICRO "x%u\n", ""},
    {"families", "", MICRO "family $" FP " $" FP " a b c d e f g h\n", ""},
    {"different families", "", MICRO "family a%u b%u\nfamily-ids x%u\n", ""},
    {"policies", "", MICRO "p accept 1-2,4-5,7-8,10-%u\n", ""},
    {"annotations", "", "@last-listed 2026-01-01 00:00:00\n", MICRO},
    {"one long line", MICRO "family", " a%u", "\n"},
    {"what is none", "", "x\n", ""},
};

static void read_micros(struct text text)
{
    struct microdesc md;
    struct mdpool *pool = mdpool_new();
    ck_assert_ptr_nonnull(pool);
    for (err_t err; (err = microdesc_next(&text, &md)) != ERR_NOT_FOUND;) {
        const struct router_family *f;
        const struct exit_summary *p;
        if (err != OK)
            continue;
        if (mdpool_family(pool, md.family, md.family_ids, &f) == OK)
            mdpool_release_family(pool, f);
        if (mdpool_policy(pool, md.p, &p) == OK)
            mdpool_release_policy(pool, p);
    }
    mdpool_unref(&pool);
}

START_TEST(test_budget_of_microdescriptors)
{
    ALL_LINEAR(read_micros, micros);
}
END_TEST

/* A relay that lists thousands of names, beside relays that have families of their own. */
START_TEST(test_budget_of_families)
{
    enum { NAMES = 60000, RELAYS = 4000 };
    struct budget_trap t = {"", "", "a%u ", ""};
    char *names = budget_text(&t, NAMES);
    struct mdpool *pool = mdpool_new();
    struct consensus *c;
    struct netdir *nd;
    struct router few = {.nickname = "few"}, many = {.nickname = "many"}, other = {.rsa = {{1}}};
    ck_ok(consensus_parse(TEXT_LIT(HEAD ROW "s Valid\n" FOOT SIGNED), &c));
    ck_ok(netdir_new(c, NULL, &nd));
    ck_ok(mdpool_family(pool, TEXT_LIT("$" FP), (struct text){0}, &other.family));
    ck_ok(mdpool_family(pool, TEXT_LIT("$" FP " a"), text_of("x"), &few.family));
    ck_ok(mdpool_family(pool, text_of(names), text_of(names), &many.family));
    double took[2];
    for (int i = 0; i < 2; i++) {
        const struct router *chosen = i ? &many : &few;
        double from = budget_now_s();
        for (size_t k = 0; k < RELAYS; k++)
            ck_assert(!netdir_same_family(nd, chosen, &other) &&
                      !netdir_same_family(nd, &other, chosen));
        took[i] = budget_now_s() - from;
    }
    ck_assert_msg(took[1] < 20 * took[0] + 2e-3, "%.2f ms, %.2f ms", took[0] * 1e3, took[1] * 1e3);
    mdpool_release_family(pool, few.family);
    mdpool_release_family(pool, many.family);
    mdpool_release_family(pool, other.family);
    mdpool_unref(&pool);
    netdir_unref(&nd);
    free(names);
}
END_TEST

/* ---- key certificates ---- */

static const struct budget_trap certs[] = {
    {"beginnings", "", "dir-key-certificate-version 3\n", ""},
    {"what is none", "", "x%u\n", ""},
    {"one without an end", "dir-key-certificate-version 3\n", "x%u\n", ""},
    {"keys", "dir-key-certificate-version 3\n",
     "dir-identity-key\n-----BEGIN RSA PUBLIC KEY-----\nAAEC\n-----END RSA PUBLIC KEY-----\n", ""},
};

static void read_certs(struct text text)
{
    struct authcert *cert;
    while (authcert_parse(&text, &cert) != ERR_NOT_FOUND)
        authcert_free(&cert);
}

START_TEST(test_budget_of_key_certificates)
{
    ALL_LINEAR(read_certs, certs);
}
END_TEST

TESTS("dir/budget", test_budget_of_consensuses_and_votes, test_budget_of_descriptors,
      test_budget_of_microdescriptors, test_budget_of_families, test_budget_of_key_certificates)
