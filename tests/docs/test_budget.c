/* The step budget of what `tunic fetch` does with an answer: split, matched with what was asked
 * for, verified, in JSON and printed again, in time that grows with its length alone. */
#include "docs/json.h"
#include "docs/print.h"
#include "fetched.h"
#include "support/budget.h"

#define FP        "9695DFC35FFEB861329B9F1AB04C46397020CE31"
#define SIGNATURE "-----BEGIN SIGNATURE-----\nAAEC\n-----END SIGNATURE-----\n"
#define DETACHED                                                                                  \
    "consensus-digest " FP "\nvalid-after 2026-01-01 00:00:00\nfresh-until 2026-01-01 01:00:00\n" \
    "valid-until 2026-01-01 03:00:00\nadditional-digest microdesc sha256 ABCD\n"

static struct docs_want want;
static const struct rsa_id auth = {.b = {0x96, 0x95, 0xdf, 0xc3, 0x5f, 0xfe, 0xb8,
                                         0x61, 0x32, 0x9b, 0x9f, 0x1a, 0xb0, 0x4c,
                                         0x46, 0x39, 0x70, 0x20, 0xce, 0x31}};

static void look(struct text text)
{
    struct docs docs;
    char why[DOCS_WHY_MAX];
    struct docs_trust trust = {.auths = &auth, .n_auths = 1, .servers = text, .consensus = text};
    ck_ok(docs_split(&want, text, &docs));
    ck_ok(docs_verify(&want, &trust, &docs));
    (void)docs_missing(&want, &docs, NULL, NULL);
    for (size_t i = 0; i < docs.n; i++) {
        struct docw w = {0};
        json_t *j = docs_item_json(&docs.list[i]);
        ck_ok(docs_print(j, &w, why));
        json_decref(j);
        docw_free(&w);
    }
    docs_free(&docs);
}

static void linear_as(const char *word, const struct budget_trap *trap)
{
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &want, why));
    budget_is_linear(look, trap);
    docs_want_clear(&want);
}

START_TEST(test_budget_of_answers)
{
    static const struct {
        const char *word;
        struct budget_trap trap;
    } rows[] = {
        {"consensus-signatures", {"digests", DETACHED, "additional-digest a sha1 " FP "\n", ""}},
        {"consensus-signatures",
         {"digests nobody knows", DETACHED, "additional-digest a%u md5 " FP "\n", ""}},
        {"consensus-signatures",
         {"signatures", DETACHED, "directory-signature " FP " " FP "\n" SIGNATURE, ""}},
        {"bandwidth", {"headers", "1\nversion=1.4.0\n", "a%u=1\n", "=====\n"}},
        {"bandwidth", {"the same header", "1\nversion=1.4.0\n", "a=1\n", "=====\n"}},
        {"bandwidth", {"relays", "1\n", "bw=1 node_id=$" FP " nick=a\n", ""}},
        {"bandwidth", {"what a relay has", "1\nbw=1 node_id=a", " a%u=1", "\n"}},
        {"bandwidth", {"empty lines", "1\n", "\n", ""}},
        {"vote/current/authority", {"votes", "", "network-status-version 3\n", ""}},
        {"consensus", {"rows", "network-status-version 3\n", "r a b c\n", ""}},
        {"consensus", {"signatures", "", "directory-signature x\n", ""}},
        {"keys/all", {"certificates", "", "dir-key-certificate-version 3\n", ""}},
        {"server/all", {"descriptors", "", "router a 192.0.2.1 1 0 0\n", ""}},
        {"server/all", {"unknown lines", "router a 192.0.2.1 1 0 0\n", "x%u\n", ""}},
        {"server/all", {"annotations", "", "@x\n", "router a 192.0.2.1 1 0 0\n"}},
        {"server/all", {"objects that do not end", "router a\n", "a\n-----BEGIN A-----\n", ""}},
        {"extra/all", {"extra-info documents", "", "extra-info a " FP "\n", ""}},
        {"extra/all", {"countries", "extra-info a " FP "\ndirreq-v3-ips a=1", ",b%u=8", "\n"}},
        {"/tor/x", {"anything", "", "x\n", ""}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        linear_as(rows[i].word, &rows[i].trap);
}
END_TEST

/* As many documents as an answer of this length can have, against as many keys as a word can. */
START_TEST(test_budget_of_keys_times_documents)
{
    static char word[16 + DOCS_KEYS_MAX * 44];
    struct budget_trap micros = {"microdescriptors", "", "onion-key\nx%u\n", ""};
    size_t at = (size_t)sprintf(word, "micro/d/");
    for (unsigned i = 0; i < DOCS_KEYS_MAX - 1; i++)
        at += (size_t)sprintf(word + at, "%s%08uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", i ? "-" : "",
                              i);
    linear_as(word, &micros);
    char why[DOCS_WHY_MAX];
    double few, many;
    char *text = budget_text(&micros, BUDGET_SMALL);
    ck_ok(docs_want_parse("micro/d/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &want, why));
    few = budget_best(look, text);
    docs_want_clear(&want);
    ck_ok(docs_want_parse(word, &want, why));
    many = budget_best(look, text);
    docs_want_clear(&want);
    ck_assert_msg(many < 4 * few, "%.1f ms for one key, %.1f ms for %d", few * 1e3, many * 1e3,
                  DOCS_KEYS_MAX - 1);
    free(text);
}
END_TEST

TESTS("docs/budget", test_budget_of_answers, test_budget_of_keys_times_documents)
