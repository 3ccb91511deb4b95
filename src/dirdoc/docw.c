#include "dirdoc/docw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"

enum { SMALLEST = 1024 };

void docw_free(struct docw *w)
{
    free(w->s);
    *w = (struct docw){0};
}

void docw_fail(struct docw *w, err_t e)
{
    if (w->err == OK)
        w->err = e;
}

struct text docw_text(const struct docw *w)
{
    return w->err == OK ? (struct text){w->s, w->len} : (struct text){0};
}

struct text docw_part(const struct docw *w, struct docw_span span)
{
    return (struct text){w->s + span.at, span.len};
}

/* Room for LEN more bytes and a NUL behind them, or NULL. */
static char *room(struct docw *w, size_t len)
{
    if (w->err != OK)
        return NULL;
    if (w->cap - w->len <= len) {
        size_t cap = w->cap ? w->cap : SMALLEST;
        while (cap - w->len <= len)
            cap *= 2;
        char *s = realloc(w->s, cap);
        if (!s) {
            w->err = ERR_NOMEM;
            return NULL;
        }
        w->s = s;
        w->cap = cap;
    }
    return w->s + w->len;
}

void docw_add(struct docw *w, struct text t)
{
    char *to = room(w, t.len);
    if (!to || !t.len)
        return;
    memcpy(to, t.s, t.len);
    w->len += t.len;
}

void docw_fmt(struct docw *w, const char *fmt, ...)
{
    enum { USUAL = 160 };
    va_list args;
    for (size_t cap = USUAL;;) {
        char *to = room(w, cap);
        if (!to)
            return;
        va_start(args, fmt);
        int n = vsnprintf(to, cap, fmt, args);
        va_end(args);
        if (n < 0) {
            docw_fail(w, ERR_BUG);
            return;
        }
        if ((size_t)n < cap) {
            w->len += (size_t)n;
            return;
        }
        cap = (size_t)n + 1;
    }
}

void docw_date(struct docw *w, const char *keyword, int64_t time_s)
{
    char date[DOC_TIME_TEXT_MAX];
    docw_fmt(w, "%s %s\n", keyword, doc_time_text(time_s, date));
}

void docw_base64(struct docw *w, const void *bytes, size_t len)
{
    char *to = room(w, BASE64_SIZE(len));
    if (to)
        w->len += strlen(base64_encode(bytes, len, false, to));
}

void docw_hex(struct docw *w, const void *bytes, size_t len)
{
    char *to = room(w, HEX_SIZE(len));
    if (!to)
        return;
    hex_upper(bytes, len, to);
    w->len += 2 * len;
}

void docw_object(struct docw *w, const char *label, const void *bytes, size_t len)
{
    char *to = room(w, PEM_SIZE(strlen(label), len));
    if (to)
        w->len += strlen(pem_encode(label, bytes, len, to));
}

void docw_rsa_key(struct docw *w, const struct rsa_pub *key)
{
    size_t len;
    const uint8_t *der = rsa_pub_der(key, &len);
    docw_object(w, "RSA PUBLIC KEY", der, len);
}

void docw_rsa_sign(struct docw *w, const struct rsa_key *key, const void *digest, size_t len,
                   const char *label)
{
    uint8_t sig[RSA_SIG_MAX];
    size_t sig_len;
    err_t err = rsa_sign_digest(key, digest, len, sig, &sig_len);
    if (err == OK)
        docw_object(w, label, sig, sig_len);
    else
        docw_fail(w, err);
}

void docw_rsa_sign_from(struct docw *w, size_t from, const struct rsa_key *key, uint8_t *digest)
{
    uint8_t own[SHA1_LEN];
    if (w->err != OK)
        return;
    sha1(w->s + from, w->len - from, own);
    if (digest)
        memcpy(digest, own, sizeof own);
    docw_rsa_sign(w, key, own, sizeof own, "SIGNATURE");
}

void docw_ed_sign_from(struct docw *w, size_t from, const char *prefix, const struct ed_secret *key)
{
    struct sha256_running s;
    uint8_t digest[SHA256_LEN], sig[ED25519_SIG_LEN];
    if (w->err != OK)
        return;
    sha256_init(&s);
    sha256_add(&s, prefix, strlen(prefix));
    sha256_add(&s, w->s + from, w->len - from);
    sha256_peek(&s, digest);
    ed25519_sign(key, digest, sizeof digest, sig);
    docw_base64(w, sig, sizeof sig);
    docw_add(w, TEXT_LIT("\n"));
}
