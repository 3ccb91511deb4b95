/* The verdict on each document of an answer, and what of the answer is missing. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "fetch/docs_int.h"

enum { FP_LEN = 20, KEY_TEXT_MAX = 96 };

PRINTF_LIKE(3, 0)
static void say(struct fetch_doc *doc, enum fetch_verdict verdict, const char *fmt, va_list args)
{
    doc->verdict = verdict;
    (void)vsnprintf(doc->why, sizeof doc->why, fmt, args);
}

void fetch_bad(struct fetch_doc *doc, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(doc, FETCH_BAD, fmt, args);
    va_end(args);
}

void fetch_unproven(struct fetch_doc *doc, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(doc, FETCH_UNPROVEN, fmt, args);
    va_end(args);
}

bool fetch_trusts(const struct fetch_trust *trust, const struct rsa_id *auth)
{
    for (size_t i = 0; i < trust->n_auths; i++)
        if (rsa_id_equal(&trust->auths[i], auth))
            return true;
    return false;
}

/* ---- what was asked for ---- */

static bool answers(const struct fetch_want *want, const struct fetch_key *key,
                    const struct fetch_doc *doc)
{
    bool id = doc->has_id && memcmp(key->id, doc->id.b, FP_LEN) == 0;
    bool sk = doc->has_id && memcmp(key->sk, doc->sk.b, FP_LEN) == 0;
    switch (want->by) {
    case FETCH_BY_FP:
        return id;
    case FETCH_BY_SK:
        return sk;
    case FETCH_BY_PAIR:
        return id && sk;
    case FETCH_BY_DIGEST:
        return memcmp(key->id, doc->digest, doc->digest_len) == 0;
    case FETCH_BY_NOTHING:
    case FETCH_BY_ALL:
    case FETCH_BY_AUTHORITY:
        break;
    }
    return true;
}

static bool names_documents(const struct fetch_want *want)
{
    return want->by >= FETCH_BY_FP && want->kind != FETCH_CONSENSUS;
}

/* ".../authority": a document of another one may be as genuine, and is not what was asked for. */
static void check_owner(const struct fetch_trust *trust, struct fetch_doc *doc)
{
    bool of_relay = doc->kind == FETCH_SERVER || doc->kind == FETCH_EXTRA;
    bool of_authority = doc->kind == FETCH_VOTE || doc->kind == FETCH_KEYS;
    const struct rsa_id *owner = of_relay ? trust->server : of_authority ? trust->server_v3 : NULL;
    if (doc->verdict == FETCH_BAD || !owner)
        return;
    if (!doc->has_id || !rsa_id_equal(owner, &doc->id))
        fetch_bad(doc, "it is not of the server that was asked, which is another one");
    else if (of_relay && trust->server_ed && !ed_id_equal(trust->server_ed, &doc->ed))
        fetch_bad(doc, "its Ed25519 identity is not that of the server that was asked");
}

static void check_asked_for(const struct fetch_want *want, struct fetch_doc *doc)
{
    if (!names_documents(want) || doc->verdict == FETCH_BAD)
        return;
    for (size_t i = 0; i < want->n_keys; i++) {
        if (!answers(want, &want->keys[i], doc))
            continue;
        /* Whoever named the digest knew what it's the digest of. */
        if (want->by == FETCH_BY_DIGEST && doc->verdict == FETCH_UNPROVEN)
            doc->verdict = FETCH_GOOD;
        return;
    }
    fetch_bad(doc, want->by == FETCH_BY_DIGEST ? "it has another digest than was asked for"
                                               : "it is not one that was asked for");
}

static void key_text(const struct fetch_want *want, const struct fetch_key *key,
                     char out[KEY_TEXT_MAX])
{
    char id[HEX_SIZE(FP_LEN)], sk[HEX_SIZE(FP_LEN)], md[BASE64_SIZE(32)];
    hex_upper(key->id, FP_LEN, id);
    hex_upper(key->sk, FP_LEN, sk);
    if (want->kind == FETCH_MICRO)
        (void)snprintf(out, KEY_TEXT_MAX, "d/%s", base64_encode(key->id, 32, false, md));
    else if (want->by == FETCH_BY_PAIR)
        (void)snprintf(out, KEY_TEXT_MAX, "fp-sk/%s-%s", id, sk);
    else if (want->by == FETCH_BY_SK)
        (void)snprintf(out, KEY_TEXT_MAX, "sk/%s", sk);
    else if (want->by == FETCH_BY_DIGEST)
        (void)snprintf(out, KEY_TEXT_MAX, "d/%s", id);
    else
        (void)snprintf(out, KEY_TEXT_MAX, "%s%s", want->kind == FETCH_VOTE ? "" : "fp/", id);
}

static bool is_answered(const struct fetch_want *want, const struct fetch_key *key,
                        const struct fetch_docs *docs)
{
    for (size_t i = 0; i < docs->n; i++)
        if (answers(want, key, &docs->list[i]))
            return true;
    return false;
}

size_t fetch_docs_missing(const struct fetch_want *want, const struct fetch_docs *docs,
                          void (*missing)(void *arg, size_t key, const char *text), void *arg)
{
    size_t n = 0;
    char text[KEY_TEXT_MAX];
    for (size_t i = 0; names_documents(want) && i < want->n_keys; i++) {
        if (is_answered(want, &want->keys[i], docs))
            continue;
        n++;
        key_text(want, &want->keys[i], text);
        if (missing)
            missing(arg, i, text);
    }
    return n;
}

/* ---- verdicts ---- */

static err_t judge(const struct fetch_want *want, const struct fetch_trust *trust,
                   const struct fetch_servers *servers, struct fetch_docs *docs,
                   struct fetch_doc *doc)
{
    switch (doc->kind) {
    case FETCH_CONSENSUS:
        return fetch_verify_consensus(want, trust, docs, doc);
    case FETCH_VOTE:
        return fetch_verify_vote(doc, trust);
    case FETCH_SIGNATURES:
        return fetch_verify_signatures(trust, docs, doc);
    case FETCH_KEYS:
        return fetch_verify_key_cert(doc, trust);
    case FETCH_SERVER:
        fetch_verify_server(doc, trust->now_s);
        break;
    case FETCH_EXTRA:
        fetch_verify_extra(doc, servers, trust->now_s);
        break;
    case FETCH_MICRO:
        fetch_verify_micro(doc);
        break;
    case FETCH_BANDWIDTH:
        fetch_verify_bandwidth(doc);
        break;
    case FETCH_OTHER:
        fetch_unproven(doc, "nothing is known of documents of this kind, so it was not verified");
        break;
    }
    return OK;
}

err_t fetch_docs_verify(const struct fetch_want *want, const struct fetch_trust *trust,
                        struct fetch_docs *docs)
{
    struct fetch_servers servers = {0};
    err_t err = want->kind == FETCH_EXTRA ? fetch_servers_of(trust->servers, &servers) : OK;
    docs->n_certs = 0;
    for (size_t i = 0; i < docs->n && err == OK; i++) {
        struct fetch_doc *doc = &docs->list[i];
        doc->verdict = FETCH_UNJUDGED;
        doc->why[0] = 0;
        err = judge(want, trust, &servers, docs, doc);
        check_asked_for(want, doc);
        if (want->by == FETCH_BY_AUTHORITY)
            check_owner(trust, doc);
    }
    free(servers.list);
    return err;
}
