#include "docs/want.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#define FP1 "9695DFC35FFEB861329B9F1AB04C46397020CE31"
#define FP2 "847B1F850344D7876491A54892F904934E4EB85D"
#define MD1 "ml5EVLOjcDXDZGwB4XGqHeBcVqRHiWvmoPpx0GkZqXU"
#define MD2 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void asks_for(const char *word, const char *path)
{
    struct docs_want w;
    char why[DOCS_WHY_MAX], out[DOCS_PATH_MAX];
    err_t err = docs_want_parse(word, &w, why);
    ck_assert_msg(err == OK, "%s: %s", word, why);
    ck_assert_uint_eq(docs_want_requests(&w), 1);
    ck_ok(docs_want_path(&w, 0, out));
    ck_assert_str_eq(out, path);
    ck_err(docs_want_path(&w, 1, out), ERR_ARG);
    docs_want_clear(&w);
}

static void is(const char *word, enum docs_kind kind, enum docs_by by, bool next)
{
    struct docs_want w;
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &w, why));
    ck_assert_msg(w.kind == kind && w.by == by && w.next == next, "%s: %d %d %d", word, w.kind,
                  w.by, w.next);
    docs_want_clear(&w);
}

/* Refused, with a sentence that has SAYS in it. */
static void refused(const char *word, const char *says)
{
    struct docs_want w;
    char why[DOCS_WHY_MAX];
    ck_err(docs_want_parse(word, &w, why), ERR_ARG);
    ck_assert_msg(strstr(why, says) != NULL, "%s: %s", word, why);
    ck_assert_ptr_null(w.keys);
}

START_TEST(test_want_each_word_has_its_path)
{
    static const char *const pairs[][2] = {
        {"consensus", "/tor/status-vote/current/consensus"},
        {"consensus-microdesc", "/tor/status-vote/current/consensus-microdesc"},
        {"consensus/" FP1 "+" FP2, "/tor/status-vote/current/consensus/" FP1 "+" FP2},
        {"consensus-microdesc/" FP1, "/tor/status-vote/current/consensus-microdesc/" FP1},
        {"consensus/next", "/tor/status-vote/next/consensus"},
        {"consensus-signatures", "/tor/status-vote/next/consensus-signatures"},
        {"vote/current/authority", "/tor/status-vote/current/authority"},
        {"vote/next/authority", "/tor/status-vote/next/authority"},
        {"vote/current/" FP1, "/tor/status-vote/current/" FP1},
        {"vote/next/" FP1 "+" FP2, "/tor/status-vote/next/" FP1 "+" FP2},
        {"vote/next/d/" FP1, "/tor/status-vote/next/d/" FP1},
        {"keys/all", "/tor/keys/all"},
        {"keys/authority", "/tor/keys/authority"},
        {"keys/fp/" FP1 "+" FP2, "/tor/keys/fp/" FP1 "+" FP2},
        {"keys/sk/" FP1, "/tor/keys/sk/" FP1},
        {"keys/fp-sk/" FP1 "-" FP2 "+" FP2 "-" FP1, "/tor/keys/fp-sk/" FP1 "-" FP2 "+" FP2 "-" FP1},
        {"server/all", "/tor/server/all"},
        {"server/authority", "/tor/server/authority"},
        {"server/fp/" FP1, "/tor/server/fp/" FP1},
        {"server/d/" FP1 "+" FP2, "/tor/server/d/" FP1 "+" FP2},
        {"extra/all", "/tor/extra/all"},
        {"extra/authority", "/tor/extra/authority"},
        {"extra/fp/" FP1, "/tor/extra/fp/" FP1},
        {"extra/d/" FP1, "/tor/extra/d/" FP1},
        {"micro/d/" MD1, "/tor/micro/d/" MD1},
        {"micro/d/" MD1 "-" MD2, "/tor/micro/d/" MD1 "-" MD2},
        {"bandwidth", "/tor/status-vote/next/bandwidth"},
        {"/tor/robots.txt", "/tor/robots.txt"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        asks_for(pairs[i][0], pairs[i][1]);
}
END_TEST

START_TEST(test_want_path_of_a_word_is_that_word)
{
    is("/tor/status-vote/current/consensus", DOCS_CONSENSUS, DOCS_BY_NOTHING, false);
    is("/tor/status-vote/current/consensus-microdesc.z", DOCS_CONSENSUS, DOCS_BY_NOTHING, false);
    is("/tor/status-vote/next/consensus", DOCS_CONSENSUS, DOCS_BY_NOTHING, true);
    is("/tor/status-vote/next/consensus-signatures", DOCS_SIGNATURES, DOCS_BY_NOTHING, true);
    is("/tor/status-vote/next/bandwidth", DOCS_BANDWIDTH, DOCS_BY_NOTHING, true);
    is("/tor/status-vote/current/authority", DOCS_VOTE, DOCS_BY_AUTHORITY, false);
    is("/tor/status-vote/next/d/" FP1, DOCS_VOTE, DOCS_BY_DIGEST, true);
    is("/tor/server/all.z", DOCS_SERVER, DOCS_BY_ALL, false);
    is("/tor/keys/fp-sk/" FP1 "-" FP2, DOCS_KEYS, DOCS_BY_PAIR, false);
    is("/tor/micro/d/" MD1, DOCS_MICRO, DOCS_BY_DIGEST, false);
}
END_TEST

START_TEST(test_want_path_that_is_no_word_is_asked_for_as_it_is)
{
    static const char *const paths[] = {
        "/tor/",
        "/tor/consensus",
        "/tor/bandwidth",
        "/tor/vote/current/authority",
        "/tor/status-vote/current/bandwidth",
        "/tor/status-vote/current/consensus/next",
        "/tor/status-vote/current/consensus-signatures",
        "/tor/status-vote/current/consensus/diff/" FP1 "/" FP2,
        "/tor/server/fp/ABC",
        "/tor/hs/3/x",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        is(paths[i], DOCS_OTHER, DOCS_BY_NOTHING, false);
        asks_for(paths[i], paths[i]);
    }
}
END_TEST

START_TEST(test_want_lower_case_and_padding_are_the_same_key)
{
    asks_for("server/fp/9695dfc35ffeb861329b9f1ab04c46397020ce31", "/tor/server/fp/" FP1);
    asks_for("micro/d/" MD1 "=", "/tor/micro/d/" MD1);
}
END_TEST

START_TEST(test_want_no_key_is_asked_for_twice)
{
    asks_for("server/fp/" FP1 "+" FP2 "+" FP1, "/tor/server/fp/" FP1 "+" FP2);
}
END_TEST

START_TEST(test_want_refusals_say_what_is_known)
{
    refused("", "known are consensus");
    refused("conensus", "\"conensus\" is no document");
    refused("server", "known are consensus");
    refused("server/", "server/all, server/authority");
    refused("server/FP", "server/fp/FP");
    refused("server/allx", "server/all");
    refused("server/fp/", "something is missing at the end");
    refused("server/fp/" FP1 "+", "something is missing at the end");
    refused("server/fp/+" FP1, "\"\" is not a fingerprint");
    refused("server/fp/123", "\"123\" is not a fingerprint of 40");
    refused("server/d/" FP1 "0", "is not a SHA-1 digest");
    refused("extra/sk/" FP1, "extra/fp/");
    refused("keys/d/" FP1, "keys/fp-sk/");
    refused("keys/fp-sk/" FP1, "two fingerprints");
    refused("micro/all", "micro/d/");
    refused("micro/d/" FP1, "SHA-256 digest in base64");
    refused("vote/authority", "vote/current/");
    refused("vote/next/", "something is missing");
    refused("vote/next/all", "\"all\" is not a fingerprint");
    refused("consensus/", "something is missing");
    refused("consensus-ns", "consensus/next");
    refused("consensus-microdesc/next", "ns flavor only");
    refused("consensus/authority", "\"authority\" is not a fingerprint");
    refused("/tor/a b", "a character");
    refused("/tor", "is no document");
}
END_TEST

START_TEST(test_want_path_longer_than_a_request_is_refused)
{
    char *word = malloc(DOCS_PATH_MAX + 1);
    ck_assert_ptr_nonnull(word);
    memset(word, 'x', DOCS_PATH_MAX);
    memcpy(word, "/tor/", 5);
    word[DOCS_PATH_MAX] = 0;
    refused(word, "longer than");
    word[DOCS_PATH_MAX - 1] = 0;
    asks_for(word, word);
    free(word);
}
END_TEST

/* PREFIX and N different keys. */
static char *many(const char *prefix, size_t n, bool micro)
{
    char *word = malloc(strlen(prefix) + n * 44 + 1);
    ck_assert_ptr_nonnull(word);
    size_t len = (size_t)sprintf(word, "%s", prefix);
    for (size_t i = 0; i < n; i++)
        len += (size_t)(micro ? sprintf(word + len, "%sAA%04uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        i ? "-" : "", (unsigned)i)
                              : sprintf(word + len, "%s%040u", i ? "+" : "", (unsigned)i));
    return word;
}

static void takes(const char *prefix, size_t n, bool micro, size_t requests)
{
    struct docs_want w;
    char why[DOCS_WHY_MAX], out[DOCS_PATH_MAX], *word = many(prefix, n, micro);
    err_t err = docs_want_parse(word, &w, why);
    ck_assert_msg(err == OK, "%s", why);
    ck_assert_uint_eq(w.n_keys, n);
    ck_assert_uint_eq(docs_want_requests(&w), requests);
    size_t keys = 0;
    for (size_t i = 0; i < requests; i++) {
        ck_ok(docs_want_path(&w, i, out));
        keys++;
        for (const char *s = strrchr(out, '/'); (s = strpbrk(s + 1, "+-")) != NULL;)
            keys++;
    }
    ck_assert_uint_eq(keys, n);
    ck_err(docs_want_path(&w, requests, out), ERR_ARG);
    docs_want_clear(&w);
    free(word);
}

START_TEST(test_want_many_keys_take_several_requests)
{
    takes("server/fp/", 96, false, 1);
    takes("server/fp/", 97, false, 2);
    takes("extra/d/", 300, false, 4);
    takes("micro/d/", 92, true, 1);
    takes("micro/d/", 93, true, 2);
}
END_TEST

START_TEST(test_want_signers_fit_one_request)
{
    char *word = many("consensus/", 97, false);
    takes("consensus/", 96, false, 1);
    refused(word, "more than 96 authorities");
    free(word);
}
END_TEST

START_TEST(test_want_too_many_keys_are_refused)
{
    char *word = many("server/fp/", DOCS_KEYS_MAX + 1, false);
    refused(word, "more than 8192");
    free(word);
}
END_TEST

START_TEST(test_want_knows_who_has_it)
{
    static const struct {
        const char *word;
        bool authorities, server, certs;
    } rows[] = {
        {"consensus", false, false, true},
        {"consensus/next", true, false, true},
        {"vote/current/authority", true, true, false},
        {"vote/next/" FP1, true, false, false},
        {"consensus-signatures", true, false, true},
        {"keys/all", false, false, false},
        {"keys/authority", true, true, false},
        {"server/all", false, false, false},
        {"server/authority", false, true, false},
        {"extra/all", true, false, false},
        {"extra/authority", false, true, false},
        {"micro/d/" MD1, false, false, false},
        {"bandwidth", true, true, false},
        {"/tor/robots.txt", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct docs_want w;
        char why[DOCS_WHY_MAX];
        ck_ok(docs_want_parse(rows[i].word, &w, why));
        ck_assert_msg(docs_want_of_authorities(&w) == rows[i].authorities, "%s", rows[i].word);
        ck_assert_msg(docs_want_of_server(&w) == rows[i].server, "%s", rows[i].word);
        ck_assert_msg(docs_want_needs_certs(&w) == rows[i].certs, "%s", rows[i].word);
        docs_want_clear(&w);
    }
}
END_TEST

START_TEST(test_want_bounds_the_answer)
{
    static const struct {
        const char *word;
        size_t least, most;
    } rows[] = {
        {"server/fp/" FP1, 50000, 1 << 20},    {"server/fp/" FP1 "+" FP2, 100000, 1 << 20},
        {"server/all", 64 << 20, 128 << 20},   {"consensus", 8 << 20, 32 << 20},
        {"consensus/" FP1, 8 << 20, 32 << 20}, {"vote/current/" FP1, 16 << 20, 128 << 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct docs_want w;
        char why[DOCS_WHY_MAX];
        ck_ok(docs_want_parse(rows[i].word, &w, why));
        ck_assert_uint_ge(docs_want_body_max(&w), rows[i].least);
        ck_assert_uint_le(docs_want_body_max(&w), rows[i].most);
        docs_want_clear(&w);
    }
}
END_TEST

TESTS("fetch/want", test_want_bounds_the_answer, test_want_each_word_has_its_path,
      test_want_path_of_a_word_is_that_word, test_want_path_that_is_no_word_is_asked_for_as_it_is,
      test_want_lower_case_and_padding_are_the_same_key, test_want_no_key_is_asked_for_twice,
      test_want_refusals_say_what_is_known, test_want_path_longer_than_a_request_is_refused,
      test_want_many_keys_take_several_requests, test_want_signers_fit_one_request,
      test_want_too_many_keys_are_refused, test_want_knows_who_has_it)
