/* Directory: what a relay says of itself (dir-spec 2.1, appendix B). */
#include <stdio.h>
#include <string.h>

#include "check/cases/directory.h"
#include "crypto/cert.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"

enum { DAY_S = 24 * 3600, CLOCKS_APART_S = 3600 };

#define OWN       "/tor/server/authority"
#define ED_PREFIX "Tor router descriptor signature v1"

/* The relay's own descriptor, on C. */
static bool get_own(struct pcirc *c, struct pdir_answer *a)
{
    struct doc_item first;
    if (!pdir_expect(c, OWN, "", 200, a))
        return false;
    struct doc_lines lines = doc_over(a->body.s, a->body.len);
    TRIAL_EXPECT(c->p->t, doc_next(&lines, &first) && doc_is(&first, "router"),
                 "what came is no server descriptor");
    return trial_goes_on(c->p->t);
}

/* Up to the end of the line that begins with KEYWORD: what is signed, digested. */
static size_t len_with(const struct pdir_answer *a, const struct doc_item *item)
{
    const char *at = item->begin, *end = a->body.s + a->body.len;
    while (at < end && *at != '\n')
        at++;
    return (size_t)(at - a->body.s) + (at < end);
}

static bool digest_of(struct trial *t, const struct pdir_answer *a, uint8_t out[SHA1_LEN])
{
    struct doc_item sig;
    if (!pdir_item(t, a->body, "router-signature", &sig))
        return false;
    sha1(a->body.s, len_with(a, &sig), out);
    return true;
}

/* dir-spec 2.1.1: "fingerprint": "a HASH_LEN-byte ... asn1 encoded public key, encoded in hex, with
 * a single space after every 4 characters". */
static bool is_fingerprint(struct text line, const struct rsa_id *id)
{
    char hex[HEX_SIZE(sizeof id->b)];
    size_t at = 0;
    struct text part;
    hex_upper(id->b, sizeof id->b, hex);
    while (text_token(&line, &part)) {
        if (at + part.len >= sizeof hex || memcmp(hex + at, part.s, part.len) != 0)
            return false;
        at += part.len;
    }
    return at + 1 == sizeof hex;
}

void dir_server_own(struct trial *t)
{
    struct pdir_answer a;
    struct doc_item item;
    if (get_own(pcirc_fast(t), &a) && pdir_item(t, a.body, "fingerprint", &item))
        TRIAL_EXPECT(t, is_fingerprint(item.args, &t->run->rsa),
                     "its fingerprint is %.*s, not that of CERTS", TEXT_ARG(item.args));
    pdir_free(&a);
}

/* The key of "signing-key", which is the identity; NULL, and the trial has failed. */
static struct rsa_pub *read_identity(struct trial *t, const struct pdir_answer *a)
{
    uint8_t der[RSA_DER_MAX];
    size_t len;
    struct doc_item item;
    struct rsa_id id;
    struct rsa_pub *key = NULL;
    if (!pdir_item(t, a->body, "signing-key", &item))
        return NULL;
    if (base64_decode(item.object, BASE64_OBJECT, der, sizeof der, &len) != OK ||
        rsa_pub_from_der(der, len, &key) != OK) {
        trial_fail(t, "its signing-key cannot be read");
        return NULL;
    }
    rsa_pub_id(key, &id);
    TRIAL_EXPECT(t, rsa_id_equal(&id, &t->run->rsa), "its signing-key is not the identity");
    return key;
}

void dir_server_signed(struct trial *t)
{
    struct pdir_answer a;
    struct doc_item item;
    uint8_t sig[RSA_SIG_MAX], digest[SHA1_LEN];
    size_t len;
    bool there = get_own(pcirc_fast(t), &a) && digest_of(t, &a, digest);
    struct rsa_pub *key = there ? read_identity(t, &a) : NULL;
    if (key && pdir_item(t, a.body, "router-signature", &item))
        TRIAL_EXPECT(t,
                     base64_decode(item.object, BASE64_OBJECT, sig, sizeof sig, &len) == OK &&
                         rsa_verify_digest(key, digest, sizeof digest, sig, len) == OK,
                     "router-signature does not verify");
    rsa_pub_free(key);
    pdir_free(&a);
}

/* The certificate of "identity-ed25519": who signs with what. */
static bool read_ed_cert(struct trial *t, const struct pdir_answer *a, struct ed_id *signing)
{
    uint8_t bytes[ED_CERT_MAX];
    struct ed_cert cert;
    struct doc_item item;
    size_t len;
    if (!pdir_item(t, a->body, "identity-ed25519", &item))
        return false;
    if (base64_decode(item.object, BASE64_OBJECT, bytes, sizeof bytes, &len) != OK ||
        ed_cert_parse(bytes, len, &cert) != OK || !cert.has_signer)
        trial_fail(t, "its identity-ed25519 holds no certificate");
    else if (ed_cert_verify(&cert, NULL, env_wall_s(t->run->env)) != OK)
        trial_fail(t, "the certificate of its identity-ed25519 does not verify");
    else if (!ed_id_equal(&cert.signer, &t->run->ed))
        trial_fail(t, "its Ed25519 identity is not that of CERTS");
    else
        memcpy(signing->b, cert.key, sizeof signing->b);
    return trial_goes_on(t);
}

/* dir-spec 2.1.1: "a signature of a SHA256 digest of the entire document, from the first character
 * up to and including the first space after the "router-sig-ed25519" string, prefixed with the
 * string "Tor router descriptor signature v1"". */
static bool verify_ed(const struct pdir_answer *a, const struct doc_item *item,
                      const struct ed_id *key)
{
    uint8_t sig[ED25519_SIG_LEN], digest[SHA256_LEN];
    struct sha256_running s;
    sha256_init(&s);
    sha256_add(&s, ED_PREFIX, strlen(ED_PREFIX));
    sha256_add(&s, a->body.s, (size_t)(item->args.s - a->body.s));
    sha256_peek(&s, digest);
    return base64_decode_exact(text_strip(item->args), BASE64_EITHER, sig, sizeof sig) == OK &&
           ed25519_verify(key, digest, sizeof digest, sig) == OK;
}

void dir_server_ed25519(struct trial *t)
{
    struct pdir_answer a;
    struct doc_item item;
    struct ed_id key;
    if (get_own(pcirc_fast(t), &a) && read_ed_cert(t, &a, &key) &&
        pdir_item(t, a.body, "router-sig-ed25519", &item))
        TRIAL_EXPECT(t, verify_ed(&a, &item, &key), "router-sig-ed25519 does not verify");
    pdir_free(&a);
}

void dir_server_published(struct trial *t)
{
    struct pdir_answer a;
    struct doc_item item;
    struct text word[2];
    int64_t when, now = env_wall_s(t->run->env);
    if (get_own(pcirc_fast(t), &a) && pdir_item(t, a.body, "published", &item)) {
        bool read = doc_args(&item, word, 2) && doc_time(word[0], word[1], &when) == OK;
        TRIAL_EXPECT(t, read, "published has no time");
        TRIAL_EXPECT(t, !read || when <= now + CLOCKS_APART_S, "published lies in the future");
        TRIAL_EXPECT(t, !read || when >= now - DAY_S, "published is more than a day ago");
    }
    pdir_free(&a);
}

void dir_server_ntor(struct trial *t)
{
    struct pdir_answer a;
    struct doc_item item;
    struct x25519_pub key;
    struct pcirc *c = pcirc_fast(t);
    if (get_own(c, &a) && pdir_item(t, a.body, "ntor-onion-key", &item)) {
        bool read =
            base64_decode_exact(text_strip(item.args), BASE64_EITHER, key.b, sizeof key.b) == OK;
        TRIAL_EXPECT(t, read, "ntor-onion-key holds no key");
        if (read && t->run->has_rsa)
            (void)pcirc_ntor_by(c->p, &key);
    }
    pdir_free(&a);
}

/* PATH gives the same descriptor as OWN. */
static void expect_same(struct pcirc *c, const char *path, const struct pdir_answer *own)
{
    struct pdir_answer a;
    if (pdir_expect(c, path, "", 200, &a))
        TRIAL_EXPECT(c->p->t, text_equal(a.body, own->body), "it is not the one of " OWN);
    pdir_free(&a);
}

void dir_server_by_fp(struct trial *t)
{
    char path[128], hex[HEX_SIZE(sizeof t->run->rsa.b)];
    struct pdir_answer own;
    struct pcirc *c = pcirc_fast(t);
    snprintf(path, sizeof path, "/tor/server/fp/%s",
             hex_upper(t->run->rsa.b, sizeof t->run->rsa.b, hex));
    if (get_own(c, &own))
        expect_same(c, path, &own);
    pdir_free(&own);
}

/* The identity and the digest in the "r" line of an authority that is not the relay under test: of
 * all relays, one whose descriptor whoever caches descriptors will have. */
static bool find_listed(struct trial *t, struct text consensus, struct rsa_id *id,
                        uint8_t digest[SHA1_LEN])
{
    enum { ID_AT = 1, DIGEST_AT = 2, R_ARGS = 8 };
    struct doc_lines lines = doc_over(consensus.s, consensus.len);
    struct doc_item item;
    struct text arg[R_ARGS], flag;
    bool have = false;
    while (doc_next(&lines, &item)) {
        if (doc_is(&item, "r"))
            have = doc_args(&item, arg, R_ARGS) &&
                   base64_decode_exact(arg[ID_AT], BASE64_EITHER, id->b, sizeof id->b) == OK &&
                   base64_decode_exact(arg[DIGEST_AT], BASE64_EITHER, digest, SHA1_LEN) == OK &&
                   !rsa_id_equal(id, &t->run->rsa);
        else if (have && doc_is(&item, "s"))
            while (text_token(&item.args, &flag))
                if (text_is(flag, "Authority"))
                    return true;
    }
    trial_skip(t, "the consensus lists no other authority, whose descriptor it should have");
    return false;
}

void dir_server_by_digest(struct trial *t)
{
    char path[128], hex[HEX_SIZE(SHA1_LEN)];
    uint8_t listed[SHA1_LEN], digest[SHA1_LEN];
    struct pdir_answer cons, a = {.status = 0};
    struct rsa_id id;
    struct pcirc *c = pcirc_fast(t);
    if (pdir_expect(c, "/tor/status-vote/current/consensus", "", 200, &cons) &&
        find_listed(t, cons.body, &id, listed)) {
        snprintf(path, sizeof path, "/tor/server/d/%s", hex_upper(listed, sizeof listed, hex));
        if (pdir_expect(c, path, "", 200, &a) && digest_of(t, &a, digest))
            TRIAL_EXPECT(t, memcmp(digest, listed, sizeof digest) == 0,
                         "it is another descriptor than asked for");
    }
    pdir_free(&a);
    pdir_free(&cons);
}

/* The relay's own and an authority's. */
static bool get_two(struct trial *t, struct pdir_answer *out)
{
    char path[128], own[HEX_SIZE(sizeof t->run->rsa.b)], other[sizeof own];
    uint8_t digest[SHA1_LEN];
    struct pdir_answer cons;
    struct rsa_id id;
    struct pcirc *c = pcirc_fast(t);
    *out = (struct pdir_answer){.status = 0};
    bool found = pdir_expect(c, "/tor/status-vote/current/consensus", "", 200, &cons) &&
                 find_listed(t, cons.body, &id, digest);
    if (found)
        snprintf(path, sizeof path, "/tor/server/fp/%s+%s",
                 hex_upper(t->run->rsa.b, sizeof t->run->rsa.b, own),
                 hex_upper(id.b, sizeof id.b, other));
    found = found && pdir_expect(c, path, "", 200, out);
    pdir_free(&cons);
    return found;
}

void dir_server_several(struct trial *t)
{
    struct pdir_answer a;
    struct text rest, line;
    unsigned n = 0;
    if (get_two(t, &a)) {
        for (rest = a.body; text_line(&rest, &line);)
            n += text_starts(line, "router ");
        TRIAL_EXPECT(t, n == 2, "%u descriptors came, not 2", n);
    }
    pdir_free(&a);
}

/* dir-spec 6.1: "Servers SHOULD disable caching of multiple network statuses or multiple server
 * descriptors". */
void dir_uncached(struct trial *t)
{
    struct pdir_answer a;
    if (get_two(t, &a)) {
        TRIAL_EXPECT(t, text_is_nocase(pdir_header(&a, "Pragma"), "no-cache"),
                     "there is no header \"Pragma: no-cache\"");
        TRIAL_EXPECT(t, !pdir_header(&a, "Expires").len, "there is a header Expires");
    }
    pdir_free(&a);
}

void dir_server_unknown(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), "/tor/server/fp/00112233445566778899AABBCCDDEEFF00112233", "",
                      404, &a);
    pdir_free(&a);
}

/* ---- extra-info ---- */

/* dir-spec 2.1.1: "extra-info-digest": SHA-1 of the document "as signed", in hex. */
static void compare_digest(struct trial *t, const struct pdir_answer *a, struct text wanted)
{
    uint8_t digest[SHA1_LEN], listed[SHA1_LEN];
    struct text hex;
    if (!digest_of(t, a, digest))
        return;
    TRIAL_EXPECT(t,
                 text_token(&wanted, &hex) && hex_decode_exact(hex, listed, sizeof listed) == OK &&
                     memcmp(digest, listed, sizeof digest) == 0,
                 "it is not the document of the descriptor's extra-info-digest");
}

void dir_extra_own(struct trial *t)
{
    struct pdir_answer own, extra = {.status = 0};
    struct doc_item item;
    struct pcirc *c = pcirc_fast(t);
    if (get_own(c, &own) && pdir_item(t, own.body, "extra-info-digest", &item) &&
        pdir_expect(c, "/tor/extra/authority", "", 200, &extra))
        compare_digest(t, &extra, item.args);
    pdir_free(&extra);
    pdir_free(&own);
}
