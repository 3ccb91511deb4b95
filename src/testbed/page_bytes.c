#include "testbed/page_bytes.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aes.h"

struct download {
    struct evhttp_request *req; /* NULL: answered in full, and evhttp's again */
    struct aes_ctr *stream;
    struct evbuffer *part;
    uint64_t left;
};

static void free_download(struct download *d)
{
    aes_ctr_free(d->stream);
    if (d->part)
        evbuffer_free(d->part);
    free(d);
}

/* The visitor's connection ends. A request that was not answered in full and lost its connection is
 * ours to free; all others are evhttp's. */
static void on_end(struct evhttp_connection *c, void *download)
{
    struct download *d = download;
    (void)c;
    if (d->req && !evhttp_request_get_connection(d->req))
        evhttp_request_free(d->req);
    free_download(d);
}

/* Appends the next LEN bytes to the part. */
static bool make_part(struct download *d, size_t len)
{
    struct evbuffer_iovec room;
    if (evbuffer_reserve_space(d->part, (ev_ssize_t)len, &room, 1) != 1)
        return false;
    room.iov_len = len;
    memset(room.iov_base, 0, len);
    return aes_ctr_xor(d->stream, room.iov_base, len) == OK &&
           evbuffer_commit_space(d->part, &room, 1) == 0;
}

/* What was sent before has gone to the kernel. */
static void send_part(struct evhttp_connection *c, void *download)
{
    struct download *d = download;
    struct evhttp_request *req = d->req;
    size_t len = d->left < PAGE_BYTES_CHUNK ? (size_t)d->left : PAGE_BYTES_CHUNK;
    (void)c;
    if (len && !make_part(d, len))
        d->left = len; /* out of memory: the page ends short, which its length tells */
    d->left -= len;
    evhttp_send_reply_chunk_with_cb(req, d->part, d->left ? send_part : NULL, d);
    if (d->left)
        return;
    d->req = NULL;
    evhttp_send_reply_end(req); /* may free the connection, and D with it */
}

static void send_head(struct evhttp_request *req, uint64_t n)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
    char length[24];
    snprintf(length, sizeof length, "%" PRIu64, n);
    evhttp_add_header(headers, "Content-Type", "application/octet-stream");
    evhttp_add_header(headers, "Content-Length", length);
    evhttp_send_reply_start(req, HTTP_OK, "OK");
}

static struct download *new_download(struct evhttp_request *req, uint64_t n)
{
    static const uint8_t zero_key[16];
    struct download *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    *d = (struct download){.req = req, .left = n};
    d->stream = aes_ctr_new(zero_key, 128, NULL);
    d->part = evbuffer_new();
    if (d->stream && d->part)
        return d;
    free_download(d);
    return NULL;
}

err_t page_bytes_send(struct evhttp_request *req, uint64_t n)
{
    bool alone = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;
    struct download *d = new_download(req, alone ? 0 : n);
    if (!d)
        return ERR_NOMEM;
    evhttp_connection_set_closecb(evhttp_request_get_connection(req), on_end, d);
    send_head(req, n);
    send_part(NULL, d);
    return OK;
}
