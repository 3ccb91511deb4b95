#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/consdiff.h"
#include "dirdoc/consdiff.h"
#include "support/docnet.h"

/* ---- the other side ---- */

static char *apply(struct text old, struct text diff, size_t *len)
{
    struct consdiff d;
    char *out;
    ck_ok(consdiff_read(diff, &d));
    ck_ok(consdiff_apply(old, &d, &out, len));
    return out;
}

/* ---- tests ---- */

static struct text copy_of(struct text t)
{
    return (struct text){text_dup(t), t.len};
}

static void sha3_signed(struct text t, uint8_t out[32])
{
    ck_ok(consdiff_digest(t, out));
}

START_TEST(test_netdocs_diff_makes_the_newest_of_each_older_one)
{
    struct docnet *n = docnet_usual(1);
    struct text old[NETDOCS_KEPT][CONSDOC_FLAVORS];
    uint8_t sha3[NETDOCS_KEPT][CONSDOC_FLAVORS][32];
    for (size_t i = 0; i < NETDOCS_KEPT; i++) {
        if (i)
            test_env_advance_ms(n->env, 60000);
        ck_ok(netdocs_publish(n->docs));
        for (enum consdoc_flavor f = 0; f < CONSDOC_FLAVORS; f++) {
            old[i][f] = copy_of(netdocs_consensus(n->docs, f, NETDOCS_HONEST));
            sha3_signed(old[i][f], sha3[i][f]);
        }
    }
    for (size_t i = 0; i < NETDOCS_KEPT; i++)
        for (enum consdoc_flavor f = 0; f < CONSDOC_FLAVORS; f++) {
            struct text diff = netdocs_diff(n->docs, f, sha3[i][f]), new = old[NETDOCS_KEPT - 1][f];
            size_t len;
            ck_assert_int_eq(netdocs_is_newest(n->docs, f, sha3[i][f]), i == NETDOCS_KEPT - 1);
            if (i == NETDOCS_KEPT - 1) {
                ck_assert_uint_eq(diff.len, 0);
                continue;
            }
            char *made = apply(old[i][f], diff, &len);
            ck_assert(text_equal((struct text){made, len}, new));
            free(made);
        }
    for (size_t i = 0; i < NETDOCS_KEPT; i++)
        for (enum consdoc_flavor f = 0; f < CONSDOC_FLAVORS; f++)
            free((char *)old[i][f].s);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_diff_names_both_ends)
{
    struct docnet *n = docnet_usual(2);
    struct text old = copy_of(netdocs_consensus(n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    uint8_t from[32], to[32];
    char line[160], from_hex[HEX_SIZE(32)], to_hex[HEX_SIZE(32)];
    sha3_signed(old, from);
    ck_ok(netdocs_publish(n->docs));
    struct text new = netdocs_consensus(n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST);
    ck_ok(sha3_256(new.s, new.len, to));
    snprintf(line, sizeof line, "network-status-diff-version 1\nhash %s %s\n",
             hex_upper(from, 32, from_hex), hex_upper(to, 32, to_hex));
    ck_assert(text_starts(netdocs_diff(n->docs, CONSDOC_MICRODESC, from), line));
    free((char *)old.s);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_diff_forgets_what_is_too_old)
{
    struct docnet *n = docnet_usual(3);
    uint8_t first[32];
    sha3_signed(netdocs_consensus(n->docs, CONSDOC_NS, NETDOCS_HONEST), first);
    for (size_t i = 0; i < NETDOCS_KEPT - 1; i++)
        ck_ok(netdocs_publish(n->docs));
    ck_assert_uint_gt(netdocs_diff(n->docs, CONSDOC_NS, first).len, 0);
    ck_ok(netdocs_publish(n->docs));
    ck_assert_uint_eq(netdocs_diff(n->docs, CONSDOC_NS, first).len, 0);
    docnet_free(n);
}
END_TEST

START_TEST(test_netdocs_diff_is_small_for_a_large_network)
{
    struct plan_wish wish = {.authorities = 3, .relays = 8, .exits = 2, .phantoms = 10000};
    struct docnet *n = docnet_new(4, &wish, true);
    uint8_t first[32];
    sha3_signed(netdocs_consensus(n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST), first);
    ck_ok(netdocs_publish(n->docs));
    ck_assert_uint_lt(netdocs_diff(n->docs, CONSDOC_MICRODESC, first).len, 4000);
    docnet_free(n);
}
END_TEST

/* A document of the relays whose letters are in IDS ('a' to 'z', in order), each with a line of
 * its weight in WEIGHTS. */
static struct text made_up(const char *head, const char *ids, const char *weights, char out[4096])
{
    size_t len = (size_t)sprintf(out, "%s\n", head);
    for (size_t i = 0; ids[i]; i++) {
        uint8_t id[20];
        char text[BASE64_SIZE(20)];
        memset(id, ids[i], sizeof id);
        len += (size_t)sprintf(out + len, "r x %s 1\ns Fast\nw %c\n",
                               base64_encode(id, sizeof id, false, text), weights[i]);
    }
    len += (size_t)sprintf(out + len, "directory-footer\ndirectory-signature %s\nX\n", head);
    return (struct text){out, len};
}

START_TEST(test_netdocs_diff_follows_relays_that_come_and_go)
{
    static const char *const versions[][3] = {
        {"one", "abcd", "1111"},     {"one", "bcd", "111"},
        {"two", "abce", "1111"},     {"one", "", ""},
        {"one", "abcd", "1211"},     {"one", "xyz", "111"},
        {"two", "acegik", "123456"}, {"one", "dcba", "1111"}, /* unsorted */
    };
    const size_t count = sizeof versions / sizeof versions[0];
    char a[4096], b[4096];
    uint8_t digest[32];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            struct text old = made_up(versions[i][0], versions[i][1], versions[i][2], a);
            struct text new = made_up(versions[k][0], versions[k][1], versions[k][2], b);
            struct docw diff = {0};
            size_t len;
            ck_ok(sha3_256(new.s, new.len, digest));
            ck_ok(consdiff_make(old, new, digest, digest, &diff));
            char *got = apply(old, docw_text(&diff), &len);
            ck_assert_msg(text_equal((struct text){got, len}, new), "%zu to %zu", i, k);
            free(got);
            docw_free(&diff);
        }
}
END_TEST

TESTS("testnet/netdocs_diff", test_netdocs_diff_makes_the_newest_of_each_older_one,
      test_netdocs_diff_names_both_ends, test_netdocs_diff_forgets_what_is_too_old,
      test_netdocs_diff_is_small_for_a_large_network,
      test_netdocs_diff_follows_relays_that_come_and_go)
