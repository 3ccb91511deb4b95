/* The verdict on each document of an answer, and what of the answer is missing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "docs/docs_int.h"

enum { FP_LEN = 20, KEY_TEXT_MAX = 96 };

/* ---- what was asked for ---- */

/* ".../authority": a document of another one may be as genuine, and is not what was asked for. */
static void check_owner(const struct docs_trust *trust, struct docs_item *doc)
{
    bool of_relay = doc->kind == DOCS_SERVER || doc->kind == DOCS_EXTRA;
    bool of_authority = doc->kind == DOCS_VOTE || doc->kind == DOCS_KEYS;
    const struct rsa_id *owner = of_relay ? trust->server : of_authority ? trust->server_v3 : NULL;
    if (doc->verdict == DOCS_BAD || !owner)
        return;
    if (!doc->has_id || !rsa_id_equal(owner, &doc->id))
        docs_bad(doc, "it is not of the server that was asked, which is another one");
    else if (of_relay && trust->server_ed && !ed_id_equal(trust->server_ed, &doc->ed))
        docs_bad(doc, "its Ed25519 identity is not that of the server that was asked");
}

static void check_asked_for(const struct docs_want *want, struct docs_item *doc)
{
    if (!docs_names_documents(want) || doc->verdict == DOCS_BAD)
        return;
    if (!doc->asked_for)
        docs_bad(doc, want->by == DOCS_BY_DIGEST ? "it has another digest than was asked for"
                                                 : "it is not one that was asked for");
    /* Whoever named the digest knew what it's the digest of. */
    else if (want->by == DOCS_BY_DIGEST && doc->verdict == DOCS_UNPROVEN)
        doc->verdict = DOCS_GOOD;
}

static void key_text(const struct docs_want *want, const struct docs_key *key,
                     char out[KEY_TEXT_MAX])
{
    char id[HEX_SIZE(FP_LEN)], sk[HEX_SIZE(FP_LEN)], md[BASE64_SIZE(32)];
    hex_upper(key->id, FP_LEN, id);
    hex_upper(key->sk, FP_LEN, sk);
    if (want->kind == DOCS_MICRO)
        (void)snprintf(out, KEY_TEXT_MAX, "d/%s", base64_encode(key->id, 32, false, md));
    else if (want->by == DOCS_BY_PAIR)
        (void)snprintf(out, KEY_TEXT_MAX, "fp-sk/%s-%s", id, sk);
    else if (want->by == DOCS_BY_SK)
        (void)snprintf(out, KEY_TEXT_MAX, "sk/%s", sk);
    else if (want->by == DOCS_BY_DIGEST)
        (void)snprintf(out, KEY_TEXT_MAX, "d/%s", id);
    else
        (void)snprintf(out, KEY_TEXT_MAX, "%s%s", want->kind == DOCS_VOTE ? "" : "fp/", id);
}

size_t docs_missing(const struct docs_want *want, const struct docs *docs,
                    void (*missing)(void *arg, size_t key, const char *text), void *arg)
{
    size_t n = 0;
    char text[KEY_TEXT_MAX];
    for (size_t i = 0; docs_names_documents(want) && i < want->n_keys; i++) {
        if (docs->answered && docs->answered[i])
            continue;
        n++;
        key_text(want, &want->keys[i], text);
        if (missing)
            missing(arg, i, text);
    }
    return n;
}

/* ---- verdicts ---- */

static err_t judge(const struct docs_want *want, const struct docs_trust *trust,
                   const struct docs_servers *servers, struct docs *docs, struct docs_item *doc)
{
    switch (doc->kind) {
    case DOCS_CONSENSUS:
        return docs_verify_consensus(want, trust, docs, doc);
    case DOCS_VOTE:
        return docs_verify_vote(doc, trust);
    case DOCS_SIGNATURES:
        return docs_verify_signatures(trust, docs, doc);
    case DOCS_KEYS:
        return docs_verify_key_cert(doc, trust);
    case DOCS_SERVER:
        docs_verify_server(doc, trust->now_s);
        break;
    case DOCS_EXTRA:
        docs_verify_extra(doc, servers, trust->now_s);
        break;
    case DOCS_MICRO:
        docs_verify_micro(doc);
        break;
    case DOCS_BANDWIDTH:
        docs_verify_bandwidth(doc);
        break;
    case DOCS_OTHER:
        docs_unproven(doc, "nothing is known of documents of this kind, so it was not verified");
        break;
    }
    return OK;
}

err_t docs_verify(const struct docs_want *want, const struct docs_trust *trust, struct docs *docs)
{
    struct docs_servers servers = {0};
    err_t err = want->kind == DOCS_EXTRA ? docs_servers_of(trust->servers, &servers) : OK;
    docs->n_certs = 0;
    for (size_t i = 0; i < docs->n && err == OK; i++) {
        struct docs_item *doc = &docs->list[i];
        doc->verdict = DOCS_UNJUDGED;
        doc->why[0] = 0;
        err = judge(want, trust, &servers, docs, doc);
        check_asked_for(want, doc);
        if (want->by == DOCS_BY_AUTHORITY)
            check_owner(trust, doc);
    }
    free(servers.list);
    return err;
}
