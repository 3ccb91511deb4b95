/* Httpget: one HTTP GET over a socket of its own, which is libevent's evhttp. For ports that speak
 * HTTP in clear, as directory ports do; on circuits it is dir/dirhttp.h. The answer comes piece by
 * piece and is kept by nobody here. */
#ifndef TUNIC_APP_FETCH_HTTPGET_H
#define TUNIC_APP_FETCH_HTTPGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "net/net.h"

struct httpget;

struct httpget_wish {
    struct ipport to;
    const char *path;
    const char *host;   /* of the Host header */
    const char *accept; /* of the Accept-Encoding header */
    size_t head_max;    /* bytes of status line and headers */
    size_t body_max;
};

struct httpget_end {
    /* OK: the answer was whole, as far as HTTP tells. ERR_TRUNCATED: it was not. ERR_MALFORMED: it
     * is no HTTP, or its head is too long. ERR_LIMIT: its body is. ERR_IO: no answer came. Else
     * what one of the functions below returned. */
    err_t why;
    int errno_; /* with ERR_IO: the socket's, or 0 */
};

/* Each but on_end() may be called from inside of libevent, so none may free. */
struct httpget_ops {
    void (*on_sent)(void *arg);  /* the connection is up, and the request on its way */
    void (*on_bytes)(void *arg); /* some of the answer have come */
    /* The head, line by line; then the body, so long as these say OK. */
    err_t (*on_status)(void *arg, int status, const char *reason);
    err_t (*on_header)(void *arg, const char *name, const char *value);
    err_t (*on_body_begin)(void *arg);
    err_t (*on_body)(void *arg, const void *bytes, size_t len);
    /* Once, at the end of the wake-up; never from inside httpget_new(). It may be freed there. */
    void (*on_end)(void *arg, const struct httpget_end *end);
};

/* Connects and asks. No time is kept: whoever has waited enough frees it. NULL out of memory. */
struct httpget *httpget_new(struct net *n, const struct httpget_wish *wish,
                            const struct httpget_ops *ops, void *arg);
void httpget_free(struct httpget *g); /* NULL is fine; hangs up */

/* The first bytes of whatever has answered: who speaks another protocol is told by them. */
enum { HTTPGET_FIRST_MAX = 8 };
struct text httpget_first(const struct httpget *g);

#endif
