/* Documents of a planned network as answers to requests. Header-only. */
#ifndef TUNIC_TESTS_FETCHED_H
#define TUNIC_TESTS_FETCHED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "docs/docs.h"
#include "support/docnet.h"

struct fetched {
    struct docnet *net;
    struct docs_want want;
    struct docs_trust trust;
    struct docs docs;
    char *text;
    size_t len;
};

/* What a client of that network believes. */
static inline struct fetched fetched_new(struct docnet *net)
{
    struct fetched f = {.net = net};
    f.trust = (struct docs_trust){.auths = net->auths,
                                  .n_auths = net->plan.n_authorities,
                                  .certs = &net->certs,
                                  .now_s = env_wall_s(net->env)};
    return f;
}

static inline void fetched_clear(struct fetched *f)
{
    docs_free(&f->docs);
    docs_want_clear(&f->want);
    free(f->text);
    f->text = NULL;
}

static inline void fetched_want(struct fetched *f, const char *word)
{
    char why[DOCS_WHY_MAX];
    fetched_clear(f);
    err_t err = docs_want_parse(word, &f->want, why);
    ck_assert_msg(err == OK, "%s: %s", word, why);
}

/* Splits and verifies a copy of TEXT as the answer to WORD. */
static inline void fetched_answer(struct fetched *f, const char *word, struct text text)
{
    fetched_want(f, word);
    f->text = malloc(text.len + 1);
    ck_assert_ptr_nonnull(f->text);
    memcpy(f->text, text.s, text.len);
    f->text[text.len] = 0;
    f->len = text.len;
    ck_ok(docs_split(&f->want, (struct text){f->text, f->len}, &f->docs));
    ck_ok(docs_verify(&f->want, &f->trust, &f->docs));
}

static inline const struct docs_item *fetched_one(const struct fetched *f)
{
    ck_assert_uint_eq(f->docs.n, 1);
    return &f->docs.list[0];
}

static inline void fetched_is(const struct fetched *f, enum docs_verdict verdict, const char *says)
{
    const struct docs_item *doc = fetched_one(f);
    ck_assert_msg(doc->verdict == verdict, "%s: %d: %s", doc->title, doc->verdict, doc->why);
    ck_assert_msg(strstr(doc->why, says) != NULL, "%s: %s", doc->title, doc->why);
}

/* TEXT with the first FROM replaced by TO (of any length); the caller frees it. */
static inline char *fetched_changed(struct text text, const char *from, const char *to)
{
    size_t from_len = strlen(from), to_len = strlen(to);
    const char *at = memmem(text.s, text.len, from, from_len);
    ck_assert_msg(at != NULL, "there is no \"%s\"", from);
    size_t before = (size_t)(at - text.s), after = text.len - before - from_len;
    char *out = malloc(text.len - from_len + to_len + 1);
    ck_assert_ptr_nonnull(out);
    memcpy(out, text.s, before);
    memcpy(out + before, to, to_len);
    memcpy(out + before + to_len, at + from_len, after);
    out[before + to_len + after] = 0;
    return out;
}

/* The answer with one change is BAD, and says so. */
static inline void fetched_bad_with(struct fetched *f, const char *word, struct text text,
                                    const char *from, const char *to, const char *says)
{
    char *changed = fetched_changed(text, from, to);
    fetched_answer(f, word, text_of(changed));
    fetched_is(f, DOCS_BAD, says);
    free(changed);
}

/* PREFIX and BYTES in hex. */
static inline const char *fetched_word(char out[DOCS_PATH_MAX], const char *prefix,
                                       const uint8_t *bytes, size_t len)
{
    char hex[HEX_SIZE(32)];
    (void)snprintf(out, DOCS_PATH_MAX, "%s%s", prefix, hex_upper(bytes, len, hex));
    return out;
}

#endif
