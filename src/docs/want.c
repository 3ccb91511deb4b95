#include "docs/want.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/encode.h"
#include "dir/consensus.h"
#include "dir/dirhttp.h"

enum {
    FP_LEN = 20,
    /* dir-spec B: "at most 96 fingerprints can be retrieved in a single request", and "at most 92
     * microdescriptor hashes". */
    FPS_PER_REQUEST = 96,
    MICROS_PER_REQUEST = 92,
    MANY_MAX = 128 << 20,
    /* The largest descriptor or certificate: authorities take no larger server descriptors than
     * 20,000 bytes, nor larger extra-info documents than 50,000. */
    SMALL_MAX = 128 << 10,
};

static bool skip(struct text *t, const char *prefix)
{
    if (!text_starts(*t, prefix))
        return false;
    t->s += strlen(prefix);
    t->len -= strlen(prefix);
    return true;
}

/* How a message shows what was typed: not more than a line of it. */
#define SHOWN(t) (int)((t).len < 60 ? (t).len : 60), (t).s

static bool same_key(const struct docs_key *a, const struct docs_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* A key that is there already is not asked for twice. */
static err_t add_key(struct docs_want *w, const struct docs_key *key)
{
    for (size_t i = 0; i < w->n_keys; i++)
        if (same_key(&w->keys[i], key))
            return OK;
    if (w->n_keys >= DOCS_KEYS_MAX)
        return ERR_LIMIT;
    if ((w->n_keys & (w->n_keys - 1)) == 0) {
        size_t room = w->n_keys ? 2 * w->n_keys : 1;
        struct docs_key *keys = realloc(w->keys, room * sizeof *keys);
        if (!keys)
            return ERR_NOMEM;
        w->keys = keys;
    }
    w->keys[w->n_keys++] = *key;
    return OK;
}

static err_t parse_key(const struct docs_want *w, struct text part, struct docs_key *key)
{
    struct text id;
    *key = (struct docs_key){0};
    if (w->kind == DOCS_MICRO)
        return base64_decode_exact(part, BASE64_EITHER, key->id, sizeof key->id);
    if (w->by == DOCS_BY_SK)
        return hex_decode_exact(part, key->sk, FP_LEN);
    if (w->by != DOCS_BY_PAIR)
        return hex_decode_exact(part, key->id, FP_LEN);
    if (!text_split(&part, '-', &id))
        return ERR_MALFORMED;
    TRY(hex_decode_exact(id, key->id, FP_LEN));
    return hex_decode_exact(part, key->sk, FP_LEN);
}

static const char *key_form(const struct docs_want *w)
{
    if (w->kind == DOCS_MICRO)
        return "a SHA-256 digest in base64 (43 characters); several are joined by \"-\"";
    if (w->by == DOCS_BY_PAIR)
        return "two fingerprints of 40 hexadecimal digits with \"-\" between them; several such "
               "pairs are joined by \"+\"";
    if (w->by == DOCS_BY_DIGEST)
        return "a SHA-1 digest of 40 hexadecimal digits; several are joined by \"+\"";
    return "a fingerprint of 40 hexadecimal digits; several are joined by \"+\"";
}

static err_t parse_keys(struct docs_want *w, struct text list, char why[DOCS_WHY_MAX])
{
    struct text part;
    struct docs_key key;
    char sep = w->kind == DOCS_MICRO ? '-' : '+';
    bool dangling = !list.len || list.s[list.len - 1] == sep;
    while (text_split(&list, sep, &part)) {
        if (parse_key(w, part, &key) != OK) {
            (void)snprintf(why, DOCS_WHY_MAX, "\"%.*s\" is not %s", SHOWN(part), key_form(w));
            return ERR_ARG;
        }
        err_t err = add_key(w, &key);
        if (err == ERR_LIMIT)
            (void)snprintf(why, DOCS_WHY_MAX, "more than %d are asked for at once", DOCS_KEYS_MAX);
        if (err != OK)
            return err == ERR_LIMIT ? ERR_ARG : err;
    }
    if (dangling) {
        (void)snprintf(why, DOCS_WHY_MAX, "something is missing at the end: %s", key_form(w));
        return ERR_ARG;
    }
    return OK;
}

/* ---- the words ---- */

static err_t refuse(char why[DOCS_WHY_MAX], const char *kind, const char *known)
{
    (void)snprintf(why, DOCS_WHY_MAX, "this is no way to ask for %s; known are %s", kind, known);
    return ERR_ARG;
}

/* What follows "consensus" or "consensus-microdesc". */
static err_t parse_consensus(struct docs_want *w, struct text rest, char why[DOCS_WHY_MAX])
{
    w->kind = DOCS_CONSENSUS;
    if (!rest.len)
        return OK;
    if (text_is(rest, "/next")) {
        w->next = true;
        if (w->flavor == DOCS_NS)
            return OK;
        (void)snprintf(why, DOCS_WHY_MAX,
                       "authorities give out the next consensus in its ns flavor only "
                       "(consensus/next)");
        return ERR_ARG;
    }
    if (!skip(&rest, "/"))
        return refuse(why, "a consensus",
                      "consensus and consensus-microdesc, /FP+FP... behind them, and "
                      "consensus/next");
    w->by = DOCS_BY_FP;
    TRY(parse_keys(w, rest, why));
    if (w->n_keys <= FPS_PER_REQUEST)
        return OK;
    (void)snprintf(why, DOCS_WHY_MAX, "a consensus by more than %d authorities is asked for",
                   FPS_PER_REQUEST);
    return ERR_ARG;
}

/* What follows "vote/current/" or "vote/next/". */
static err_t parse_vote(struct docs_want *w, struct text rest, char why[DOCS_WHY_MAX])
{
    w->kind = DOCS_VOTE;
    w->by = DOCS_BY_AUTHORITY;
    if (text_is(rest, "authority"))
        return OK;
    w->by = skip(&rest, "d/") ? DOCS_BY_DIGEST : DOCS_BY_FP;
    return parse_keys(w, rest, why);
}

/* "server descriptors", for messages; static storage. */
static const char *kind_text(enum docs_kind kind)
{
    static const char *const texts[] = {
        [DOCS_CONSENSUS] = "a consensus",          [DOCS_VOTE] = "votes",
        [DOCS_SIGNATURES] = "detached signatures", [DOCS_KEYS] = "key certificates",
        [DOCS_SERVER] = "server descriptors",      [DOCS_EXTRA] = "extra-info documents",
        [DOCS_MICRO] = "microdescriptors",         [DOCS_BANDWIDTH] = "bandwidth files",
        [DOCS_OTHER] = "other documents",
    };
    return texts[kind];
}

struct form {
    const char *prefix;
    enum docs_by by;
};

static err_t parse_listed(struct docs_want *w, const struct form *forms, struct text rest,
                          const char *known, char why[DOCS_WHY_MAX])
{
    for (; forms->prefix; forms++) {
        bool has_keys = forms->by >= DOCS_BY_FP;
        w->by = forms->by;
        if (!has_keys && text_is(rest, forms->prefix))
            return OK;
        if (has_keys && skip(&rest, forms->prefix))
            return parse_keys(w, rest, why);
    }
    return refuse(why, kind_text(w->kind), known);
}

static const struct form descriptor_forms[] = {{"all", DOCS_BY_ALL},
                                               {"authority", DOCS_BY_AUTHORITY},
                                               {"fp/", DOCS_BY_FP},
                                               {"d/", DOCS_BY_DIGEST},
                                               {NULL, DOCS_BY_NOTHING}};
static const struct form key_forms[] = {{"all", DOCS_BY_ALL},     {"authority", DOCS_BY_AUTHORITY},
                                        {"fp/", DOCS_BY_FP},      {"sk/", DOCS_BY_SK},
                                        {"fp-sk/", DOCS_BY_PAIR}, {NULL, DOCS_BY_NOTHING}};
static const struct form micro_forms[] = {{"d/", DOCS_BY_DIGEST}, {NULL, DOCS_BY_NOTHING}};

static const struct {
    const char *word;
    enum docs_kind kind;
    const struct form *forms;
    const char *known;
} listed[] = {
    {"server/", DOCS_SERVER, descriptor_forms,
     "server/all, server/authority, server/fp/FP[+FP...] and server/d/DIGEST[+DIGEST...]"},
    {"extra/", DOCS_EXTRA, descriptor_forms,
     "extra/all, extra/authority, extra/fp/FP[+FP...] and extra/d/DIGEST[+DIGEST...]"},
    {"keys/", DOCS_KEYS, key_forms,
     "keys/all, keys/authority, keys/fp/FP[+FP...], keys/sk/FP[+FP...] and "
     "keys/fp-sk/FP-FP[+FP-FP...]"},
    {"micro/", DOCS_MICRO, micro_forms, "micro/d/BASE64[-BASE64...]"},
};

/* ERR_NOT_FOUND: not one of these. */
static err_t parse_listed_word(struct docs_want *w, struct text t, char why[DOCS_WHY_MAX])
{
    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
        if (!skip(&t, listed[i].word))
            continue;
        w->kind = listed[i].kind;
        return parse_listed(w, listed[i].forms, t, listed[i].known, why);
    }
    return ERR_NOT_FOUND;
}

static err_t parse_next_word(struct docs_want *w, enum docs_kind kind)
{
    w->kind = kind;
    w->next = true;
    return OK;
}

static err_t parse_word(struct docs_want *w, struct text t, char why[DOCS_WHY_MAX])
{
    if (text_is(t, "consensus-signatures"))
        return parse_next_word(w, DOCS_SIGNATURES);
    if (text_is(t, "bandwidth"))
        return parse_next_word(w, DOCS_BANDWIDTH);
    if (skip(&t, "consensus-microdesc")) {
        w->flavor = DOCS_MICRODESC;
        return parse_consensus(w, t, why);
    }
    if (skip(&t, "consensus"))
        return parse_consensus(w, t, why);
    if (text_starts(t, "vote/")) {
        w->next = skip(&t, "vote/next/");
        if (w->next || skip(&t, "vote/current/"))
            return parse_vote(w, t, why);
        return refuse(why, "votes",
                      "vote/current/ and vote/next/, each with authority, "
                      "FP[+FP...] or d/DIGEST[+DIGEST...] behind");
    }
    return parse_listed_word(w, t, why);
}

/* ---- whole paths ---- */

/* The word that is short for what follows "/tor/"; false: there is none. */
static bool word_of_path(struct text t, char out[DOCS_PATH_MAX])
{
    const char *prefix = "";
    if (skip(&t, "status-vote/current/")) {
        /* These would be words for something else. */
        if (text_is(t, "consensus/next") || text_is(t, "consensus-signatures"))
            return false;
        prefix = text_starts(t, "consensus") ? "" : "vote/current/";
    } else if (text_is(t, "status-vote/next/consensus")) {
        t = TEXT_LIT("consensus/next");
    } else if (skip(&t, "status-vote/next/")) {
        bool named = text_is(t, "consensus-signatures") || text_is(t, "bandwidth");
        prefix = named ? "" : "vote/next/";
    } else if (!text_starts(t, "keys/") && !text_starts(t, "server/") &&
               !text_starts(t, "extra/") && !text_starts(t, "micro/")) {
        return false;
    }
    int n = snprintf(out, DOCS_PATH_MAX, "%s%.*s", prefix, TEXT_ARG(t));
    return n > 0 && n < DOCS_PATH_MAX;
}

static err_t parse_path(struct docs_want *w, const char *path, char why[DOCS_WHY_MAX])
{
    struct text t = text_of(path);
    for (size_t i = 0; i < t.len; i++)
        if (t.s[i] <= ' ' || t.s[i] >= 0x7f) {
            (void)snprintf(why, DOCS_WHY_MAX, "the path has a character that no path may have");
            return ERR_ARG;
        }
    if (t.len >= DOCS_PATH_MAX) {
        (void)snprintf(why, DOCS_WHY_MAX, "the path is longer than %d characters",
                       DOCS_PATH_MAX - 1);
        return ERR_ARG;
    }
    w->kind = DOCS_OTHER;
    w->path = text_dup(t);
    return w->path ? OK : ERR_NOMEM;
}

/* A path that a word stands for is that word, so that what comes can be verified. */
static err_t parse_known_path(struct docs_want *w, const char *path)
{
    char word[DOCS_PATH_MAX], why[DOCS_WHY_MAX];
    struct text t = text_of(path);
    skip(&t, "/tor/");
    if (t.len > 2 && memcmp(t.s + t.len - 2, ".z", 2) == 0)
        t.len -= 2; /* dir-spec B: ".z": the same, compressed, which is asked for by a header */
    if (!word_of_path(t, word))
        return ERR_NOT_FOUND;
    return parse_word(w, text_of(word), why);
}

static err_t parse(struct docs_want *w, const char *word, char why[DOCS_WHY_MAX])
{
    struct text t = text_of(word);
    if (text_starts(t, "/tor/")) {
        err_t err = parse_known_path(w, word);
        if (err == OK || err == ERR_NOMEM)
            return err;
        docs_want_clear(w);
        return parse_path(w, word, why);
    }
    err_t err = parse_word(w, t, why);
    if (err != ERR_NOT_FOUND)
        return err;
    (void)snprintf(why, DOCS_WHY_MAX,
                   "\"%.*s\" is no document; known are consensus, consensus-microdesc, "
                   "consensus-signatures, vote/..., keys/..., server/..., extra/..., micro/d/..., "
                   "bandwidth and paths that begin with /tor/",
                   SHOWN(t));
    return ERR_ARG;
}

err_t docs_want_parse(const char *word, struct docs_want *out, char why[DOCS_WHY_MAX])
{
    struct docs_want w = {0};
    why[0] = 0;
    err_t err = parse(&w, word, why);
    if (err != OK)
        docs_want_clear(&w);
    *out = w;
    return err;
}

void docs_want_clear(struct docs_want *w)
{
    free(w->keys);
    free(w->path);
    *w = (struct docs_want){0};
}

/* ---- requests ---- */

static size_t keys_per_request(const struct docs_want *w)
{
    return w->kind == DOCS_MICRO ? MICROS_PER_REQUEST : FPS_PER_REQUEST;
}

size_t docs_want_requests(const struct docs_want *w)
{
    size_t per = keys_per_request(w);
    return w->by < DOCS_BY_FP ? 1 : (w->n_keys + per - 1) / per;
}

static const char *path_base(const struct docs_want *w)
{
    switch (w->kind) {
    case DOCS_CONSENSUS:
        if (w->next)
            return "/tor/status-vote/next/consensus";
        return w->flavor == DOCS_MICRODESC ? "/tor/status-vote/current/consensus-microdesc"
                                           : "/tor/status-vote/current/consensus";
    case DOCS_VOTE:
        return w->next ? "/tor/status-vote/next/" : "/tor/status-vote/current/";
    case DOCS_SIGNATURES:
        return "/tor/status-vote/next/consensus-signatures";
    case DOCS_KEYS:
        return "/tor/keys/";
    case DOCS_SERVER:
        return "/tor/server/";
    case DOCS_EXTRA:
        return "/tor/extra/";
    case DOCS_MICRO:
        return "/tor/micro/";
    case DOCS_BANDWIDTH:
        return "/tor/status-vote/next/bandwidth";
    case DOCS_OTHER:
        break;
    }
    return w->path;
}

static const char *path_by(const struct docs_want *w)
{
    switch (w->by) {
    case DOCS_BY_NOTHING:
        break;
    case DOCS_BY_ALL:
        return "all";
    case DOCS_BY_AUTHORITY:
        return "authority";
    case DOCS_BY_FP:
        return w->kind == DOCS_VOTE ? "" : w->kind == DOCS_CONSENSUS ? "/" : "fp/";
    case DOCS_BY_SK:
        return "sk/";
    case DOCS_BY_PAIR:
        return "fp-sk/";
    case DOCS_BY_DIGEST:
        return "d/";
    }
    return "";
}

enum { KEY_TEXT_MAX = 84 };

static void key_text(const struct docs_want *w, const struct docs_key *key, char out[KEY_TEXT_MAX])
{
    char id[HEX_SIZE(FP_LEN)], sk[HEX_SIZE(FP_LEN)];
    if (w->kind == DOCS_MICRO) {
        base64_encode(key->id, sizeof key->id, false, out);
        return;
    }
    hex_upper(key->id, FP_LEN, id);
    hex_upper(key->sk, FP_LEN, sk);
    if (w->by == DOCS_BY_PAIR)
        (void)snprintf(out, KEY_TEXT_MAX, "%s-%s", id, sk);
    else
        (void)snprintf(out, KEY_TEXT_MAX, "%s", w->by == DOCS_BY_SK ? sk : id);
}

err_t docs_want_path(const struct docs_want *w, size_t i, char out[DOCS_PATH_MAX])
{
    if (i >= docs_want_requests(w))
        return ERR_ARG;
    int n = snprintf(out, DOCS_PATH_MAX, "%s%s", path_base(w), path_by(w));
    if (n < 0 || n >= DOCS_PATH_MAX)
        return ERR_FULL;
    if (w->by < DOCS_BY_FP)
        return OK;
    size_t len = (size_t)n, per = keys_per_request(w);
    for (size_t k = i * per; k < w->n_keys && k < (i + 1) * per; k++) {
        char key[KEY_TEXT_MAX];
        key_text(w, &w->keys[k], key);
        const char *sep = k == i * per ? "" : w->kind == DOCS_MICRO ? "-" : "+";
        n = snprintf(out + len, DOCS_PATH_MAX - len, "%s%s", sep, key);
        if (n < 0 || (size_t)n >= DOCS_PATH_MAX - len)
            return ERR_FULL;
        len += (size_t)n;
    }
    return OK;
}

size_t docs_want_body_max(const struct docs_want *w)
{
    bool many = w->by == DOCS_BY_ALL || w->kind == DOCS_VOTE || w->kind == DOCS_OTHER;
    bool small = w->kind == DOCS_SERVER || w->kind == DOCS_EXTRA || w->kind == DOCS_MICRO ||
                 w->kind == DOCS_KEYS;
    /* Eight requests at three servers each are under way, and none of them is to send 32 MB in
     * place of a hundred descriptors. */
    if (small && w->by >= DOCS_BY_FP) {
        size_t per = keys_per_request(w);
        return (w->n_keys < per ? w->n_keys : per) * SMALL_MAX;
    }
    return many ? MANY_MAX : CONSENSUS_TEXT_MAX;
}

bool docs_want_of_authorities(const struct docs_want *w)
{
    switch (w->kind) {
    case DOCS_VOTE:
    case DOCS_SIGNATURES:
    case DOCS_BANDWIDTH:
        return true;
    case DOCS_CONSENSUS:
        return w->next;
    case DOCS_KEYS:
        return w->by == DOCS_BY_AUTHORITY;
    case DOCS_EXTRA: /* caches hold them only if they were told to */
        return w->by != DOCS_BY_AUTHORITY;
    case DOCS_SERVER:
    case DOCS_MICRO:
    case DOCS_OTHER:
        break;
    }
    return false;
}

bool docs_want_of_server(const struct docs_want *w)
{
    return w->by == DOCS_BY_AUTHORITY || w->kind == DOCS_BANDWIDTH;
}

bool docs_want_needs_certs(const struct docs_want *w)
{
    return w->kind == DOCS_CONSENSUS || w->kind == DOCS_SIGNATURES;
}
