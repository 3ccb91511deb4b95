/* A directory server of a network of documents, asked and read as a client does. Inline, for the
 * tests of this folder and of its faults. */
#ifndef TUNIC_TESTS_SERVED_H
#define TUNIC_TESTS_SERVED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/dirhttp.h"
#include "support/docnet.h"
#include "testnet/dirserv.h"

/* A network of documents, and one of its authorities as the server. */
struct world {
    struct docnet *n;
    struct dirserv_source source;
    struct dirserv *s;
    unsigned outputs;
    struct buf got;
};

static inline void on_output(void *arg)
{
    ((struct world *)arg)->outputs++;
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    ck_assert_ptr_nonnull(w);
    w->n = docnet_usual(1);
    w->source = (struct dirserv_source){
        .env = w->n->env, .docs = w->n->docs, .self = w->n->id[0].rsa_id, .name = "served"};
    buf_init(&w->got, 128 << 20);
    return w;
}

static inline void world_free(struct world *w)
{
    dirserv_free(w->s);
    buf_free(&w->got);
    docnet_free(w->n);
    free(w);
}

static inline void drain(struct world *w)
{
    size_t len;
    const uint8_t *out;
    while ((out = dirserv_out(w->s, &len))) {
        ck_ok(buf_add(&w->got, out, len));
        dirserv_sent(w->s, len);
    }
}

/* Sends bytes to a new server and takes what it has to say. */
static inline void send_raw(struct world *w, const void *bytes, size_t len)
{
    const struct ip peer = ip_v4((const uint8_t[]){127, 0, 0, 9});
    dirserv_free(w->s);
    buf_free(&w->got);
    w->s = dirserv_new(&w->source, &peer, on_output, w);
    ck_assert_ptr_nonnull(w->s);
    dirserv_feed(w->s, bytes, len);
    drain(w);
}

/* HEADERS: lines with "\r\n" at their ends, or "". */
static inline void get(struct world *w, const char *url, const char *headers)
{
    static char request[60000];
    int len =
        snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: x\r\n%s\r\n", url, headers);
    ck_assert_int_lt(len, (int)sizeof request);
    send_raw(w, request, (size_t)len);
}

/* The answer as a client reads it; the caller frees. ERR is how reading it ends. */
static inline struct dirhttp *read_answer(struct world *w, err_t err, struct dirhttp_reply *reply)
{
    struct dirhttp *h;
    ck_ok(dirhttp_new(32 << 20, false, &h));
    err_t e = dirhttp_feed(h, buf_at(&w->got), w->got.len);
    ck_err(e == OK ? dirhttp_end(h, reply) : e, err);
    return h;
}

/* The body has to be WANT. */
static inline void check_body(struct world *w, struct text want)
{
    struct dirhttp_reply r;
    struct dirhttp *h = read_answer(w, OK, &r);
    ck_assert_int_eq(r.status, 200);
    ck_assert_uint_gt(want.len, 0);
    ck_assert(text_equal(r.body, want));
    ck_assert(dirserv_done(w->s));
    dirhttp_free(&h);
}

static inline void check_status(struct world *w, const char *line)
{
    char want[160];
    snprintf(want, sizeof want, "HTTP/1.0 %s\r\n", line);
    struct text got = {(const char *)buf_at(&w->got), w->got.len};
    ck_assert_msg(text_starts(got, want), "%s: %.*s", want, (int)(got.len < 200 ? got.len : 200),
                  got.s);
    ck_assert(dirserv_done(w->s));
}

static inline bool has_header(const struct world *w, const char *line)
{
    char want[160];
    snprintf(want, sizeof want, "\r\n%s\r\n", line);
    const char *s = (const char *)buf_at(&w->got);
    const char *end = memmem(s, w->got.len, "\r\n\r\n", 4);
    return end && memmem(s, (size_t)(end + 2 - s), want, strlen(want));
}

#define CONSENSUS "/tor/status-vote/current/consensus-microdesc"

#endif
