#include "tunic/directory.h"

#include <stdlib.h>
#include <string.h>

#include "dir/dirhttp.h"
#include "lib/circuit.h"

enum { DOCUMENT_MOST = 64 << 20, PIECE = 16384, HTTP_OK = 200 };

static int bad(struct tunic_error *error, err_t e)
{
    bool ours = e == ERR_NOMEM;
    return lib_error(error, ours ? TUNIC_SYSTEM : TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY,
                     "the answer: %s", err_text(e));
}

/* As tor: a server at an address is named by it. */
static const char *host_of(const struct tunic_circuit *c, char out[IPPORT_TEXT_MAX])
{
    const struct tunic_relay *r = (const struct tunic_relay *)c->h.parent;
    return r->link ? ipport_text(&link_target(r->link)->addr, out) : "localhost";
}

static int ask(struct tunic_circuit *c, struct tunic_stream *s, const char *path, uint64_t until,
               struct tunic_error *error)
{
    char request[DIRHTTP_REQUEST_MAX], host[IPPORT_TEXT_MAX];
    size_t len;
    bool anonymous = c->hops > 1;
    const struct dirhttp_options o = {.host = anonymous ? "localhost" : host_of(c, host),
                                      .anonymous = anonymous};
    if (dirhttp_get(path, &o, request, &len) != OK)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_DIRECTORY, "\"%.100s\" is no path", path);
    ssize_t n = tunic_stream_write(s, request, len, lib_left(c->h.t, until), error);
    if (n >= 0 && (size_t)n < len)
        return lib_error(error, TUNIC_TIMEOUT, TUNIC_STAGE_DIRECTORY, "the request did not go out");
    return n < 0 ? -1 : 0;
}

static int receive(struct tunic *t, struct tunic_stream *s, struct dirhttp *http, uint64_t until,
                   struct tunic_error *error)
{
    uint8_t piece[PIECE];
    while (!dirhttp_complete(http)) {
        ssize_t n = tunic_stream_read(s, piece, sizeof piece, lib_left(t, until), error);
        if (n == 0)
            break;
        if (n < 0) {
            if (error && error->cls == TUNIC_TIMEOUT)
                error->stage = TUNIC_STAGE_DIRECTORY, error->reason = -1;
            return -1;
        }
        err_t e = dirhttp_feed(http, piece, (size_t)n);
        if (e != OK)
            return bad(error, e);
    }
    return 0;
}

static char *take(struct dirhttp *http, size_t *len, struct tunic_error *error)
{
    struct dirhttp_reply reply;
    err_t e = dirhttp_end(http, &reply);
    if (e != OK) {
        bad(error, e);
        return NULL;
    }
    if (reply.status != HTTP_OK) {
        lib_error(error, TUNIC_REFUSED, TUNIC_STAGE_DIRECTORY, "the server says %d %s",
                  reply.status, reply.reason);
        if (error) {
            error->reason = reply.status;
            error->from_peer = 1;
        }
        return NULL;
    }
    char *document = text_dup(reply.body);
    if (!document)
        bad(error, ERR_NOMEM);
    else if (len)
        *len = reply.body.len;
    return document;
}

char *tunic_dir_get(struct tunic_circuit *circuit, const char *path, size_t *len, int timeout_ms,
                    struct tunic_error *error)
{
    struct dirhttp *http;
    char *document = NULL;
    if (!circuit || !lib_enter(circuit->h.t, error))
        return NULL;
    uint64_t until = lib_until(circuit->h.t, timeout_ms);
    err_t e = dirhttp_new(DOCUMENT_MOST, circuit->hops > 1, &http);
    if (e != OK) {
        bad(error, e);
        return NULL;
    }
    struct tunic_stream *s = tunic_stream_begin_dir(circuit, timeout_ms, error);
    if (s && ask(circuit, s, path, until, error) == 0 &&
        receive(circuit->h.t, s, http, until, error) == 0)
        document = take(http, len, error);
    tunic_stream_free(s);
    dirhttp_free(&http);
    return document;
}

void tunic_dir_free(char *document)
{
    free(document);
}
