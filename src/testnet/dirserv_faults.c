/* How a directory server breaks the rules of documents: right answers made wrong. */
#include <string.h>

#include "testnet/dirserv_int.h"

/* One character changed in the document. */
static const struct edit {
    enum fault fault;
    const char *url;  /* how it begins */
    const char *line; /* the first one that begins so; then.. */
    size_t at;        /* ..so many characters behind that */
} edits[] = {
    {FAULT_DIR_DESC_FINGERPRINT, "/tor/server/authority", "fingerprint ", 0},
    {FAULT_DIR_DESC_SIG, "/tor/server/authority", "router-signature\n-----BEGIN SIGNATURE-----\n",
     20},
    {FAULT_DIR_DESC_ED_SIG, "/tor/server/authority", "router-sig-ed25519 ", 20},
    {FAULT_DIR_DESC_DATE, "/tor/server/authority", "published ", 3},
    {FAULT_DIR_DESC_NTOR, "/tor/server/authority", "ntor-onion-key ", 20},
    {FAULT_DIR_EXTRA_DATE, "/tor/extra/authority", "published ", 3},
};

/* Another one of the same kind. */
static char other(char c)
{
    if (c >= '0' && c <= '9')
        return c == '0' ? '1' : (char)(c - 1);
    return c == 'A' ? 'B' : 'A';
}

static void change(struct docw *body, const struct edit *e)
{
    size_t len = strlen(e->line);
    char *end = body->s + body->len, *at = body->len ? body->s : NULL;
    for (; at && at + len + e->at < end;
         at = memchr(at, '\n', (size_t)(end - at)), at += at != NULL)
        if (memcmp(at, e->line, len) == 0) {
            at[len + e->at] = other(at[len + e->at]);
            return;
        }
}

/* Documents that are not to be had. */
static const struct denial {
    enum fault fault;
    const char *url;
} denials[] = {
    {FAULT_DIR_NO_SERVER_FP, "/tor/server/fp/"},
    {FAULT_DIR_NO_SERVER_DIGEST, "/tor/server/d/"},
};

static void deny(struct dirserv_answer *a)
{
    a->status = 404;
    a->reason = "Not found";
}

void dirserv_spoil(const struct dirserv_source *source, const struct dirserv_request *r,
                   struct dirserv_answer *a)
{
    struct faults *f = source->faults;
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++)
        if (text_starts(r->url, denials[i].url) && fault_now(f, denials[i].fault))
            deny(a);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++)
        if (a->status == 200 && text_starts(r->url, edits[i].url) && fault_now(f, edits[i].fault))
            change(&a->body, &edits[i]);
    if (a->status == 404 && fault_now(f, FAULT_DIR_EMPTY_200))
        a->status = 200;
}
