#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dirdoc/consdiff.h"
#include "support/docnet.h"

/* ---- the other side: the editor of dir-spec's appendix E ---- */

struct line_list {
    struct text *line;
    size_t n;
};

static struct line_list split(struct text t)
{
    struct line_list l = {calloc(t.len + 1, sizeof(struct text)), 0};
    while (text_split(&t, '\n', &l.line[l.n]))
        l.n++;
    return l;
}

static void replace(struct line_list *l, size_t after, size_t gone, const struct text *come,
                    size_t n)
{
    struct text *line = calloc(l->n + n + 1, sizeof *line);
    ck_assert_uint_le(after + gone, l->n);
    memcpy(line, l->line, after * sizeof *line);
    if (n)
        memcpy(line + after, come, n * sizeof *line);
    memcpy(line + after + n, l->line + after + gone, (l->n - after - gone) * sizeof *line);
    free(l->line);
    l->line = line;
    l->n += n - gone;
}

/* One command at D[*AT]; every one works on earlier lines than the one before: "in reverse". */
static void apply_one(struct line_list *l, const struct line_list *d, size_t *at, size_t *before)
{
    char command[64];
    size_t first, last, n = 0;
    char verb, end[16];
    snprintf(command, sizeof command, "%.*s", TEXT_ARG(d->line[*at]));
    (*at)++;
    if (sscanf(command, "%zu,%15[0-9$]%c", &first, end, &verb) == 3) {
        last = end[0] == '$' ? l->n : (size_t)atoi(end);
    } else {
        ck_assert_int_eq(sscanf(command, "%zu%c", &first, &verb), 2);
        last = first;
    }
    ck_assert_uint_le(last, *before);
    *before = first;
    if (verb != 'd')
        while (!text_is(d->line[*at + n], "."))
            n++;
    if (verb == 'a')
        replace(l, first, 0, &d->line[*at], n);
    else
        replace(l, first - 1, last - first + 1, &d->line[*at], n);
    *at += verb == 'd' ? 0 : n + 1;
}

static char *apply(struct text old, struct text diff, size_t *len)
{
    struct line_list l = split(old), d = split(diff);
    size_t at = 2, before = SIZE_MAX;
    ck_assert(text_is(d.line[0], "network-status-diff-version 1"));
    while (at < d.n)
        apply_one(&l, &d, &at, &before);
    char *out = malloc(old.len + diff.len + 1);
    *len = 0;
    for (size_t i = 0; i < l.n; i++)
        *len += (size_t)sprintf(out + *len, "%.*s\n", TEXT_ARG(l.line[i]));
    free(l.line);
    free(d.line);
    return out;
}

/* ---- tests ---- */

static struct text copy_of(struct text t)
{
    return (struct text){text_dup(t), t.len};
}

static void sha3_signed(struct text t, uint8_t out[32])
{
    const char *end = memmem(t.s, t.len, "\ndirectory-signature ", 21);
    ck_assert_ptr_nonnull(end);
    ck_ok(sha3_256(t.s, (size_t)(end + 21 - t.s), out));
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
    const uint8_t digest[32] = {0};
    char a[4096], b[4096];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            struct text old = made_up(versions[i][0], versions[i][1], versions[i][2], a);
            struct text new = made_up(versions[k][0], versions[k][1], versions[k][2], b);
            struct docw diff = {0};
            size_t len;
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
