/* TLS without cryptography: every function of link/tls.h and link/tls_mutual.h, and what nodes use
 * of link/tls_odd.h, over bytes in clear, so that the simulator is fast, repeats, and can change
 * cells on the wire. Linked before the archive, whose tls.o then
 * stays out. Each side says hello first (a magic word and 32 bytes: the client's random, the
 * server's certificate digest, or either side's where both have one); then come records: type, 3
 * bytes of length, content. */
#include "sim/plain_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "crypto/hash.h"
#include "link/tls_mutual.h"
#include "link/tls_odd.h"

static const uint8_t magic[8] = "plainTLS";

struct tls_ctx {
    bool server, mutual;
    struct sha256 cert;
};

struct tls {
    bool server, mutual, said_hello, heard_hello, closed, broken;
    struct sha256 own, peer;
    struct buf in, out;
    size_t record_left; /* of the record that is being read */
    const char *error;
};

static uint64_t contexts; /* makes throw-away certificates differ */

void plain_tls_reset(void)
{
    contexts = 0;
}

static err_t ctx_new(bool server, const void *cert, size_t len, struct tls_ctx **out)
{
    struct tls_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        return ERR_NOMEM;
    ctx->server = server;
    sha256(cert, len, ctx->cert.b);
    *out = ctx;
    return OK;
}

err_t tls_ctx_new_client(struct tls_ctx **out)
{
    return ctx_new(false, "", 0, out);
}

err_t tls_ctx_new_server(int64_t now_s, struct tls_ctx **out)
{
    uint64_t unique[2] = {(uint64_t)now_s, ++contexts};
    return ctx_new(true, unique, sizeof unique, out);
}

err_t tls_ctx_new_server_with(const void *cert, size_t cert_len, const void *key, size_t key_len,
                              struct tls_ctx **out)
{
    (void)key, (void)key_len;
    return ctx_new(true, cert, cert_len, out);
}

/* A certificate is what makes it differ from others, and has no key. */
err_t tls_mutual_make(const char *name, int64_t from_s, int64_t until_s, struct wr *cert,
                      struct wr *key)
{
    (void)name, (void)until_s;
    wr_u64(cert, (uint64_t)from_s);
    wr_u64(cert, ++contexts);
    wr_u64(key, contexts);
    TRY(wr_end(cert));
    return wr_end(key);
}

err_t tls_ctx_new_mutual(bool server, const void *cert, size_t cert_len, const void *key,
                         size_t key_len, struct tls_ctx **out)
{
    (void)key, (void)key_len;
    TRY(ctx_new(server, cert, cert_len, out));
    (*out)->mutual = true;
    return OK;
}

err_t tls_cert_spki_sha256(const void *cert, size_t len, struct sha256 *out)
{
    sha256(cert, len, out->b);
    return OK;
}

bool tls_peer_spki_sha256(const struct tls *t, struct sha256 *out)
{
    *out = t->peer;
    return t->mutual && t->heard_hello;
}

/* Nothing of it can be odd without TLS. */
err_t tls_odd_ctx_new(bool server, const struct tls_odd *odd, int64_t now_s, struct tls_ctx **out)
{
    (void)odd;
    return server ? tls_ctx_new_server(now_s, out) : tls_ctx_new_client(out);
}

void tls_ctx_free(struct tls_ctx *ctx)
{
    free(ctx);
}

bool tls_library_is_3_0(void)
{
    return false;
}

err_t tls_ctx_force_version(struct tls_ctx *ctx, enum tls_version version)
{
    (void)ctx, (void)version;
    return OK;
}

void tls_ctx_cert_sha256(const struct tls_ctx *ctx, struct sha256 *out)
{
    *out = ctx->cert;
}

struct tls *tls_new(struct tls_ctx *ctx, struct env *env)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->server = ctx->server;
    t->own = ctx->cert;
    t->mutual = ctx->mutual;
    if (!t->server && !t->mutual)
        env_random(env, t->own.b, sizeof t->own.b);
    buf_init(&t->in, TLS_IN_CAP);
    buf_init(&t->out, TLS_OUT_CAP);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    buf_free(&t->in);
    buf_free(&t->out);
    free(t);
}

uint8_t *tls_in_room(struct tls *t, size_t *room)
{
    uint8_t *at = NULL;
    *room = buf_space(&t->in) < 65536 ? buf_space(&t->in) : 65536;
    if (*room)
        at = buf_room(&t->in, *room);
    if (!at)
        *room = 0;
    return at;
}

void tls_read_at_most(struct tls *t, size_t len)
{
    (void)t, (void)len;
}

void tls_record_at_most(struct tls *t, size_t len)
{
    (void)t, (void)len;
}

void tls_in_done(struct tls *t, size_t len)
{
    buf_commit(&t->in, len);
}

const uint8_t *tls_out(const struct tls *t, size_t *len)
{
    *len = t->out.len;
    return t->out.len ? buf_at(&t->out) : NULL;
}

void tls_out_sent(struct tls *t, size_t len)
{
    buf_drain(&t->out, len);
}

static err_t fail(struct tls *t, const char *why)
{
    t->error = why;
    t->broken = true;
    return ERR_LINK_TLS;
}

static err_t say_hello(struct tls *t)
{
    uint8_t hello[PLAIN_HELLO_LEN];
    memcpy(hello, magic, sizeof magic);
    memcpy(hello + sizeof magic, t->own.b, sizeof t->own.b);
    if (buf_add(&t->out, hello, sizeof hello) != OK)
        return fail(t, "no memory for the hello");
    t->said_hello = true;
    return OK;
}

err_t tls_handshake(struct tls *t)
{
    if (t->broken)
        return ERR_LINK_TLS;
    if (!t->said_hello && !t->server)
        TRY(say_hello(t));
    if (!t->heard_hello) {
        if (t->in.len < PLAIN_HELLO_LEN)
            return ERR_MORE;
        if (memcmp(buf_at(&t->in), magic, sizeof magic) != 0)
            return fail(t, "not a hello");
        memcpy(t->peer.b, buf_at(&t->in) + sizeof magic, sizeof t->peer.b);
        buf_drain(&t->in, PLAIN_HELLO_LEN);
        t->heard_hello = true;
    }
    return t->said_hello ? OK : say_hello(t);
}

/* Opens the next record; ERR_MORE: its head is not there yet. */
static err_t next_record(struct tls *t)
{
    if (t->closed)
        return ERR_LINK_CLOSED;
    if (t->in.len < PLAIN_HEAD_LEN)
        return ERR_MORE;
    const uint8_t *head = buf_at(&t->in);
    uint8_t type = head[0];
    t->record_left = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    buf_drain(&t->in, PLAIN_HEAD_LEN);
    if (type == PLAIN_CLOSE)
        t->closed = true;
    else if (type != PLAIN_DATA)
        return fail(t, "a record of no known type");
    return t->closed ? ERR_LINK_CLOSED : OK;
}

err_t tls_read(struct tls *t, uint8_t *out, size_t cap, size_t *n)
{
    *n = 0;
    if (t->broken)
        return ERR_LINK_TLS;
    while (*n < cap) {
        if (!t->record_left) {
            err_t e = next_record(t);
            if (e != OK)
                return *n ? OK : e;
        }
        size_t part = t->record_left < cap - *n ? t->record_left : cap - *n;
        part = part < t->in.len ? part : t->in.len;
        if (!part && t->record_left)
            return *n ? OK : ERR_MORE;
        memcpy(out + *n, buf_at(&t->in), part);
        buf_drain(&t->in, part);
        t->record_left -= part;
        *n += part;
    }
    return OK;
}

static err_t put_record(struct tls *t, uint8_t type, const uint8_t *bytes, size_t len)
{
    uint8_t *at = buf_room(&t->out, PLAIN_HEAD_LEN + len);
    if (!at)
        return buf_space(&t->out) < PLAIN_HEAD_LEN + len ? ERR_FULL : ERR_LINK_TLS;
    at[0] = type;
    at[1] = (uint8_t)(len >> 16);
    at[2] = (uint8_t)(len >> 8);
    at[3] = (uint8_t)len;
    if (len)
        memcpy(at + PLAIN_HEAD_LEN, bytes, len);
    buf_commit(&t->out, PLAIN_HEAD_LEN + len);
    return OK;
}

err_t tls_write(struct tls *t, const uint8_t *bytes, size_t len)
{
    if (!len)
        return OK;
    err_t e = put_record(t, PLAIN_DATA, bytes, len);
    return e == ERR_LINK_TLS ? fail(t, "no memory for a record") : e;
}

void tls_close(struct tls *t)
{
    if (t->said_hello && t->heard_hello)
        (void)!put_record(t, PLAIN_CLOSE, NULL, 0);
}

bool tls_peer_cert_sha256(const struct tls *t, struct sha256 *out)
{
    *out = t->peer;
    return !t->server && t->heard_hello;
}

/* Of what both sides know of this session. */
err_t tls_export(const struct tls *t, const char *label, const void *context, size_t context_len,
                 uint8_t out[TLS_EXPORT_LEN])
{
    struct sha256_running s;
    sha256_init(&s);
    sha256_add(&s, t->server ? &t->peer : &t->own, sizeof t->own);
    sha256_add(&s, t->server ? &t->own : &t->peer, sizeof t->own);
    sha256_add(&s, label, strlen(label));
    sha256_add(&s, context, context_len);
    sha256_peek(&s, out);
    return t->heard_hello ? OK : ERR_CRYPTO;
}

const char *tls_error(const struct tls *t)
{
    return t->error ? t->error : "";
}

const char *tls_describe(const struct tls *t, char *out, size_t cap)
{
    (void)t;
    snprintf(out, cap, "plain");
    return out;
}

void tls_trim(struct tls *t)
{
    buf_trim(&t->in);
    buf_trim(&t->out);
}
