#include "app/fetch/http.h"

#include <string.h>

#include "lib/lib.h"

enum { HTTP_OK = 200 };

err_t http_init(struct http *h, const struct http_ask *ask)
{
    *h = (struct http){.machine = NULL};
    TRY(dirhttp_new(ask->most, ask->anonymous, &h->machine));
    if (ask->raw)
        dirhttp_keep_raw(h->machine);
    return OK;
}

void http_free(struct http *h)
{
    dirhttp_free(&h->machine);
    *h = (struct http){.machine = NULL};
}

void http_note_first(struct http *h, const void *bytes, size_t len)
{
    size_t n = len < HTTP_FIRST - h->n_first ? len : HTTP_FIRST - h->n_first;
    if (n)
        memcpy(h->first + h->n_first, bytes, n);
    h->n_first += n;
}

/* What answers there, if it is known by its first bytes. */
static const char *who_answers(const struct http *h)
{
    if (h->n_first >= 4 && memcmp(h->first, "SSH-", 4) == 0)
        return " (an SSH server answers there)";
    if (h->n_first >= 2 && h->first[0] == 0x15 && h->first[1] == 3)
        return " (a TLS server answers there: is it the ORPort?)";
    return "";
}

void http_fail(const struct http *h, err_t e, struct tunic_error *error)
{
    bool ours = e == ERR_NOMEM;
    lib_error(error, ours ? TUNIC_SYSTEM : TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY,
              "the answer: %s%s", err_text(e), who_answers(h));
}

bool http_feed(struct http *h, const void *bytes, size_t len, struct tunic_error *error)
{
    http_note_first(h, bytes, len);
    err_t e = dirhttp_feed(h->machine, bytes, len);
    if (e != OK) {
        http_fail(h, e, error);
        return true;
    }
    if (!dirhttp_complete(h->machine))
        return false;
    http_end(h, error);
    return true;
}

void http_end(struct http *h, struct tunic_error *error)
{
    err_t e = dirhttp_end(h->machine, &h->reply);
    *error = (struct tunic_error){.cls = TUNIC_OK, .reason = -1};
    if (e != OK) {
        http_fail(h, e, error);
    } else if (h->reply.status != HTTP_OK) {
        lib_error(error, TUNIC_REFUSED, TUNIC_STAGE_DIRECTORY, "the server says %d %s",
                  h->reply.status, h->reply.reason);
        error->reason = h->reply.status;
        error->from_peer = 1;
    }
}
