/* Directory documents made up for tests: authorities with keys of their own, consensuses signed by
 * whom the test wants, microdescriptors. And whole files from vectors/. */
#ifndef TUNIC_TESTS_DIR_FAKE_H
#define TUNIC_TESTS_DIR_FAKE_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "crypto/rsa_key.h"
#include "dir/authcert.h"
#include "dir/consensus.h"
#include "dir/doc.h"
#include "dir/netdir.h"

#define UNUSED_OK __attribute__((unused))

/* 2026-01-01 12:00:00: what the fake consensuses are valid after. */
#define FAKE_AFTER_S 1767268800

struct fake_auth {
    struct rsa_key *id_key, *sign_key;
    struct rsa_id id, sign;
};

UNUSED_OK PRINTF_LIKE(2, 3) static void put(struct buf *b, const char *fmt, ...)
{
    char line[8192];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    ck_assert_int_lt(n, (int)sizeof line);
    ck_assert_int_eq(buf_add(b, line, (size_t)n), OK);
}

UNUSED_OK static struct text buf_text(const struct buf *b)
{
    return (struct text){b->len ? (const char *)buf_at(b) : "", b->len};
}

/* The file's bytes; freed by the caller with free((void *)t.s). */
UNUSED_OK static struct text read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    size_t len = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return (struct text){bytes, len};
}

UNUSED_OK static void free_text(struct text t)
{
    free((void *)(uintptr_t)t.s);
}

/* 64 characters a line, as PEM has it. */
UNUSED_OK static void put_object(struct buf *b, const char *tag, const void *bytes, size_t len)
{
    char *b64 = malloc(BASE64_SIZE(len));
    base64_encode(bytes, len, true, b64);
    put(b, "-----BEGIN %s-----\n", tag);
    for (size_t at = 0; at < strlen(b64); at += 64)
        put(b, "%.64s\n", b64 + at);
    put(b, "-----END %s-----\n", tag);
    free(b64);
}

UNUSED_OK static void put_signature(struct buf *b, const char *tag, const struct rsa_key *key,
                                    const uint8_t *digest, size_t len)
{
    uint8_t sig[RSA_SIG_MAX];
    size_t sig_len;
    ck_assert_int_eq(rsa_sign_digest(key, digest, len, sig, &sig_len), OK);
    put_object(b, tag, sig, sig_len);
}

UNUSED_OK static void fake_auth_make(struct fake_auth *a)
{
    ck_assert_int_eq(rsa_key_generate(1024, &a->id_key), OK);
    ck_assert_int_eq(rsa_key_generate(1024, &a->sign_key), OK);
    rsa_pub_id(rsa_key_public(a->id_key), &a->id);
    rsa_pub_id(rsa_key_public(a->sign_key), &a->sign);
}

UNUSED_OK static void fake_auth_free(struct fake_auth *a)
{
    rsa_key_free(a->id_key);
    rsa_key_free(a->sign_key);
}

UNUSED_OK static void put_key(struct buf *b, const struct rsa_key *key)
{
    size_t len;
    const uint8_t *der = rsa_pub_der(rsa_key_public(key), &len);
    put_object(b, "RSA PUBLIC KEY", der, len);
}

UNUSED_OK static void put_cert(struct buf *b, const struct fake_auth *a, int64_t from,
                               int64_t until)
{
    char hex[HEX_SIZE(20)], t1[DOC_TIME_TEXT_MAX], t2[DOC_TIME_TEXT_MAX];
    uint8_t digest[SHA1_LEN];
    size_t begin = b->len;
    put(b, "dir-key-certificate-version 3\nfingerprint %s\n", hex_upper(a->id.b, 20, hex));
    put(b, "dir-key-published %s\ndir-key-expires %s\n", doc_time_text(from, t1),
        doc_time_text(until, t2));
    put(b, "dir-identity-key\n");
    put_key(b, a->id_key);
    put(b, "dir-signing-key\n");
    put_key(b, a->sign_key);
    put(b, "dir-key-crosscert\n");
    put_signature(b, "ID SIGNATURE", a->sign_key, a->id.b, 20);
    put(b, "dir-key-certification\n");
    sha1(buf_at(b) + begin, b->len - begin, digest);
    put_signature(b, "SIGNATURE", a->id_key, digest, sizeof digest);
}

UNUSED_OK static void fake_add_cert(struct authcert_set *set, const struct fake_auth *a,
                                    int64_t until)
{
    struct buf b;
    struct authcert *cert;
    buf_init(&b, 1 << 20);
    put_cert(&b, a, FAKE_AFTER_S - 86400, until);
    struct text t = buf_text(&b);
    ck_assert_int_eq(authcert_parse(&t, &cert), OK);
    ck_assert_int_eq(authcert_set_add(set, cert), OK);
    buf_free(&b);
}

/* The I-th relay's microdescriptor. */
UNUSED_OK static void put_microdesc(struct buf *b, unsigned i)
{
    uint8_t key[32];
    char b64[BASE64_SIZE(32)];
    sha256(&i, sizeof i, key);
    put(b, "onion-key\nntor-onion-key %s\n", base64_encode(key, 32, false, b64));
    if (i % 3 == 0)
        put(b, "p accept 80,443\n");
    key[0] ^= 1;
    put(b, "id ed25519 %s\n", base64_encode(key, 32, false, b64));
}

UNUSED_OK static void fake_md_digest(unsigned i, struct sha256 *out)
{
    struct buf b;
    buf_init(&b, 4096);
    put_microdesc(&b, i);
    sha256(buf_at(&b), b.len, out->b);
    buf_free(&b);
}

UNUSED_OK static void fake_rsa(unsigned i, struct rsa_id *out)
{
    *out = (struct rsa_id){{(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1}};
}

/* Relay I: every third is an exit, every second a guard; all answer directory requests. */
UNUSED_OK static void put_relay(struct buf *b, unsigned i)
{
    struct rsa_id rsa;
    struct sha256 digest;
    char b64[BASE64_SIZE(32)];
    fake_rsa(i, &rsa);
    put(b, "r relay%u %s 2038-01-01 00:00:00 127.%u.%u.1 9001 0\n", i,
        base64_encode(rsa.b, 20, false, b64), i / 200 % 200, i % 200);
    fake_md_digest(i, &digest);
    put(b, "m %s\n", base64_encode(digest.b, 32, false, b64));
    put(b, "s %s%sFast Running Stable V2Dir Valid\nv Tor 0.4.9.11\n", i % 3 == 0 ? "Exit " : "",
        i % 2 == 0 ? "Guard " : "");
    put(b, "pr Conflux=1 Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=1-2 "
           "Link=3-5 LinkAuth=3 Microdesc=1-3 Padding=2 Relay=2-6\n");
    put(b, "w Bandwidth=%u\n", 1000 + i);
}

/* Everything up to the signatures; times are AFTER, +1 h, +3 h. */
UNUSED_OK static void put_consensus(struct buf *b, const struct fake_auth *auths, size_t n_auths,
                                    unsigned n_relays, int64_t after)
{
    char t[DOC_TIME_TEXT_MAX], hex[HEX_SIZE(20)];
    put(b, "network-status-version 3 microdesc\nvote-status consensus\nconsensus-method 35\n");
    put(b, "valid-after %s\n", doc_time_text(after, t));
    put(b, "fresh-until %s\n", doc_time_text(after + 3600, t));
    put(b, "valid-until %s\n", doc_time_text(after + 3 * 3600, t));
    put(b, "voting-delay 300 300\nclient-versions 0.4.9.11\nserver-versions 0.4.9.11\n");
    put(b, "known-flags Authority BadExit Exit Fast Guard HSDir Running Stable V2Dir Valid\n");
    put(b, "required-client-protocols Cons=2 Link=4 Relay=2\n");
    put(b, "params alpha=-5 bwweightscale=10000 circwindow=1000\n");
    for (size_t i = 0; i < n_auths; i++)
        put(b, "dir-source auth%zu %s 127.0.0.1 127.0.0.1 80 443\ncontact x\nvote-digest %s\n", i,
            hex_upper(auths[i].id.b, 20, hex), hex);
    for (unsigned i = 0; i < n_relays; i++)
        put_relay(b, i);
    put(b, "directory-footer\nbandwidth-weights Wbd=3333 Wbe=0 Wbg=0 Wbm=10000 Wdb=10000 Web=10000 "
           "Wed=3333 Wee=10000 Weg=3333 Wem=10000 Wgb=10000 Wgd=3333 Wgg=10000 Wgm=10000 "
           "Wmb=10000 Wmd=3333 Wme=0 Wmg=0 Wmm=10000\n");
}

/* ALGORITHM "" leaves the name out (SHA-1); an unknown one is signed as if it were SHA-256.
 * SIGNED_LEN is set at the first signature and used by the ones after it. */
UNUSED_OK static void put_consensus_signature(struct buf *b, size_t *signed_len,
                                              const struct fake_auth *a, const char *algorithm)
{
    static const char keyword[] = "directory-signature ";
    uint8_t digest[32];
    char id[HEX_SIZE(20)], sk[HEX_SIZE(20)];
    bool is_sha1 = !*algorithm || strcmp(algorithm, "sha1") == 0;
    put(b, "%s", keyword);
    if (!*signed_len)
        *signed_len = b->len;
    if (is_sha1)
        sha1(buf_at(b), *signed_len, digest);
    else
        sha256(buf_at(b), *signed_len, digest);
    put(b, "%s%s%s %s\n", algorithm, *algorithm ? " " : "", hex_upper(a->id.b, 20, id),
        hex_upper(a->sign.b, 20, sk));
    put_signature(b, "SIGNATURE", a->sign_key, digest, is_sha1 ? 20 : 32);
}

/* A consensus that the first SIGNERS of N authorities signed. */
UNUSED_OK static void put_signed(struct buf *b, const struct fake_auth *auths, size_t n,
                                 size_t signers, unsigned n_relays, int64_t after)
{
    size_t signed_len = 0;
    put_consensus(b, auths, n, n_relays, after);
    for (size_t i = 0; i < signers; i++)
        put_consensus_signature(b, &signed_len, &auths[i], "sha256");
}

#endif
