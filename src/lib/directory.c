#include "tunic/directory.h"

#include <stdlib.h>
#include <string.h>

#include "dir/dirhttp.h"
#include "lib/circuit.h"

enum { DOCUMENT_MOST = 64 << 20, PIECE = 16384, HTTP_OK = 200 };

struct tunic_dir_request {
    struct handle h;
    struct tunic_stream *stream; /* NULL once it is settled */
    struct dirhttp *http;
    char *request; /* what goes out, until it has */
    size_t request_len, request_sent;
    bool connected, settled;
    struct dirhttp_reply reply;
    struct tunic_error error;
    void (*callback)(void *arg, struct tunic_dir_request *request, enum tunic_event event);
    void *callback_arg;
};

static int bad(struct tunic_error *error, err_t e)
{
    bool ours = e == ERR_NOMEM;
    return lib_error(error, ours ? TUNIC_SYSTEM : TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY,
                     "the answer: %s", err_text(e));
}

/* ---- the end ---- */

static void settle(struct tunic_dir_request *r)
{
    r->settled = true;
    tunic_stream_free(r->stream);
    r->stream = NULL;
    handle_tell(&r->h, TUNIC_EVENT_CLOSED);
}

static void fail(struct tunic_dir_request *r, const struct tunic_error *error)
{
    r->error = *error;
    settle(r);
}

/* All that will come has come. */
static void finish(struct tunic_dir_request *r)
{
    err_t e = dirhttp_end(r->http, &r->reply);
    if (e != OK) {
        bad(&r->error, e);
    } else if (r->reply.status != HTTP_OK) {
        lib_error(&r->error, TUNIC_REFUSED, TUNIC_STAGE_DIRECTORY, "the server says %d %s",
                  r->reply.status, r->reply.reason);
        r->error.reason = r->reply.status;
        r->error.from_peer = 1;
    }
    settle(r);
}

/* ---- the stream's events ---- */

static void send_more(struct tunic_dir_request *r)
{
    struct tunic_error error;
    if (!r->request)
        return;
    ssize_t n = tunic_stream_write(r->stream, r->request + r->request_sent,
                                   r->request_len - r->request_sent, 0, &error);
    if (n < 0)
        return; /* the stream's end is on its way here */
    r->request_sent += (size_t)n;
    if (r->request_sent < r->request_len)
        return;
    free(r->request);
    r->request = NULL;
}

static void receive(struct tunic_dir_request *r)
{
    uint8_t piece[PIECE];
    struct tunic_error error;
    ssize_t n;
    while ((n = tunic_stream_read(r->stream, piece, sizeof piece, 0, &error)) > 0) {
        err_t e = dirhttp_feed(r->http, piece, (size_t)n);
        handle_tell(&r->h, TUNIC_EVENT_READABLE);
        if (e != OK) {
            bad(&error, e);
            fail(r, &error);
            return;
        }
        if (dirhttp_complete(r->http)) {
            finish(r);
            return;
        }
    }
    if (n == 0)
        finish(r);
    else if (error.cls != TUNIC_TIMEOUT || tunic_stream_error(r->stream))
        fail(r, &error);
}

static void on_stream(void *arg, struct tunic_stream *stream, enum tunic_event event)
{
    struct tunic_dir_request *r = arg;
    (void)stream;
    if (r->settled)
        return;
    switch (event) {
    case TUNIC_EVENT_OPEN:
        r->connected = true;
        handle_tell(&r->h, TUNIC_EVENT_OPEN);
        break;
    case TUNIC_EVENT_WRITABLE:
        send_more(r);
        break;
    case TUNIC_EVENT_READABLE:
    case TUNIC_EVENT_CLOSED:
        receive(r);
        break;
    case TUNIC_EVENT_PROGRESS: /* of clients */
        break;
    }
}

/* ---- life ---- */

static void end(struct handle *h)
{
    struct tunic_dir_request *r = (struct tunic_dir_request *)h;
    tunic_stream_free(r->stream);
    r->stream = NULL;
    r->settled = true;
    dirhttp_free(&r->http);
    free(r->request);
    r->request = NULL;
    r->reply.body = (struct text){NULL, 0};
}

static void call(struct handle *h, enum tunic_event event)
{
    struct tunic_dir_request *r = (struct tunic_dir_request *)h;
    if (r->callback)
        r->callback(r->callback_arg, r, event);
}

static const struct handle_kind request_kind = {.end = end, .call = call};

/* As tor: a server at an address is named by it. */
static const char *host_of(const struct tunic_circuit *c, char out[IPPORT_TEXT_MAX])
{
    const struct tunic_relay *r = (const struct tunic_relay *)c->h.parent;
    return r->link ? ipport_text(&link_target(r->link)->reach.addr, out) : "localhost";
}

static err_t prepare(const struct tunic_circuit *c, const struct tunic_dir_options *o,
                     struct tunic_dir_request *r)
{
    char host[IPPORT_TEXT_MAX];
    bool anonymous = c->hops > 1;
    const struct dirhttp_options http = {.host = anonymous ? "localhost" : host_of(c, host),
                                         .accept = o->accept,
                                         .anonymous = anonymous};
    r->request = malloc(DIRHTTP_REQUEST_MAX);
    if (!r->request)
        return ERR_NOMEM;
    TRY(dirhttp_get(o->path ? o->path : "", &http, r->request, &r->request_len));
    TRY(dirhttp_new(o->most ? o->most : DOCUMENT_MOST, anonymous, &r->http));
    if (o->raw)
        dirhttp_keep_raw(r->http);
    return OK;
}

/* The stream is the older of the two, so that the request goes before it and takes it along. */
static int launch(struct tunic_circuit *c, const struct tunic_dir_options *o,
                  struct tunic_dir_request *r, struct tunic_error *error)
{
    struct tunic_stream_options stream = TUNIC_STREAM_OPTIONS_INIT;
    err_t e = prepare(c, o, r);
    if (e == ERR_NOMEM)
        return lib_error_of(error, e, TUNIC_STAGE_DIRECTORY, "a new request");
    if (e != OK)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_DIRECTORY,
                         "\"%.100s\" is no path, or the encodings are none",
                         o->path ? o->path : "");
    stream.kind = TUNIC_BEGIN_DIR;
    stream.callback = on_stream;
    stream.callback_arg = r;
    r->stream = tunic_stream_start(c, &stream, error);
    return r->stream ? 0 : -1;
}

struct tunic_dir_request *tunic_dir_start(struct tunic_circuit *circuit,
                                          const struct tunic_dir_options *options,
                                          struct tunic_error *error)
{
    static const struct tunic_dir_options none = TUNIC_DIR_OPTIONS_INIT;
    struct tunic_dir_options o;
    if (!circuit || !lib_enter(circuit->h.t, error))
        return NULL;
    lib_options(&o, sizeof o, options ? options : &none);
    struct tunic_dir_request *r = calloc(1, sizeof *r);
    if (!r) {
        lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_DIRECTORY, "a new request");
        return NULL;
    }
    if (launch(circuit, &o, r, error) != 0) {
        dirhttp_free(&r->http);
        free(r->request);
        free(r);
        return NULL;
    }
    handle_init(&r->h, &request_kind, circuit->h.t, &circuit->h);
    r->callback = o.callback;
    r->callback_arg = o.callback_arg;
    send_more(r);
    return r;
}

void tunic_dir_request_free(struct tunic_dir_request *request)
{
    if (request)
        handle_free(&request->h);
}

/* ---- waiting ---- */

static bool is_settled(const void *arg)
{
    const struct tunic_dir_request *r = arg;
    return r->settled;
}

int tunic_dir_wait(struct tunic_dir_request *request, int timeout_ms, struct tunic_error *error)
{
    if (!request)
        return -1;
    int is_late = lib_wait_for(&request->h, timeout_ms, is_settled, error);
    if (is_late < 0)
        return -1;
    if (!is_late)
        return request->error.cls ? lib_error_copy(error, &request->error) : 0;
    if (!request->connected)
        return lib_error(error, TUNIC_TIMEOUT, TUNIC_STAGE_STREAM, "no answer to BEGIN_DIR");
    return lib_error(error, TUNIC_TIMEOUT, TUNIC_STAGE_DIRECTORY, "%s",
                     request->request                 ? "the request did not go out"
                     : dirhttp_in_body(request->http) ? "the document is not all here yet"
                                                      : "no answer to the request");
}

/* ---- what it is ---- */

size_t tunic_dir_received(const struct tunic_dir_request *request)
{
    return request && request->http ? dirhttp_body_received(request->http) : 0;
}

size_t tunic_dir_expected(const struct tunic_dir_request *request)
{
    return request && request->http ? dirhttp_body_length(request->http) : 0;
}

const char *tunic_dir_document(const struct tunic_dir_request *request, size_t *len)
{
    if (!request || !request->settled || request->error.cls || !request->reply.body.s)
        return NULL;
    if (len)
        *len = request->reply.body.len;
    return request->reply.body.s;
}

const char *tunic_dir_encoding(const struct tunic_dir_request *request)
{
    return request ? dir_encoding_name(request->reply.encoding) : "";
}

const struct tunic_error *tunic_dir_error(const struct tunic_dir_request *request)
{
    return request && request->error.cls ? &request->error : NULL;
}

/* ---- all of it in one call ---- */

static char *take(const struct tunic_dir_request *r, size_t *len, struct tunic_error *error)
{
    char *document = text_dup(r->reply.body);
    if (!document)
        bad(error, ERR_NOMEM);
    else if (len)
        *len = r->reply.body.len;
    return document;
}

char *tunic_dir_get(struct tunic_circuit *circuit, const char *path, size_t *len, int timeout_ms,
                    struct tunic_error *error)
{
    struct tunic_dir_options o = TUNIC_DIR_OPTIONS_INIT;
    o.path = path;
    struct tunic_dir_request *r = tunic_dir_start(circuit, &o, error);
    char *document = NULL;
    if (r && tunic_dir_wait(r, timeout_ms, error) == 0)
        document = take(r, len, error);
    tunic_dir_request_free(r);
    return document;
}

void tunic_dir_free(char *document)
{
    free(document);
}
