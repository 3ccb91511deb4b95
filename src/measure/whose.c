#include "measure/whose.h"

#include <string.h>

#include "crypto/encode.h"

err_t whose_init(struct whose *w, struct text relay)
{
    struct rsa_id rsa;
    char at[IPPORT_TEXT_MAX];
    struct text word = relay;
    *w = (struct whose){.n_at = 0};
    if (word.len && word.s[0] == '$')
        word = (struct text){word.s + 1, word.len - 1};
    if (hex_decode_exact(word, rsa.b, sizeof rsa.b) == OK) {
        (void)hex_upper(rsa.b, sizeof rsa.b, w->fp);
        return OK;
    }
    if (relay.len >= sizeof at)
        return ERR_ARG;
    memcpy(at, relay.s, relay.len);
    at[relay.len] = 0;
    w->n_at = 1;
    return ipport_parse(at, &w->at[0]) == OK ? OK : ERR_ARG;
}

static bool is_there(const struct whose *w, const struct ipport *at)
{
    for (size_t i = 0; i < w->n_at; i++)
        if (ipport_equal(&w->at[i], at))
            return true;
    return false;
}

void whose_learn(struct whose *w, const struct result *r)
{
    if (!*w->fp || strcmp(r->fp, w->fp) != 0)
        return;
    if (*r->ed)
        memcpy(w->ed, r->ed, sizeof w->ed);
    if (r->at.ip.family != IP_NONE && !is_there(w, &r->at) && w->n_at < WHOSE_ADDRESSES_MOST)
        w->at[w->n_at++] = r->at;
}

static bool has(struct text line, const char *word)
{
    return *word && memmem(line.s, line.len, word, strlen(word)) != NULL;
}

bool whose_may(const struct whose *w, struct text line)
{
    char at[IPPORT_TEXT_MAX];
    bool may = has(line, w->fp) || has(line, w->ed);
    for (size_t i = 0; !may && i < w->n_at; i++)
        may = has(line, ipport_text(&w->at[i], at));
    return may;
}

bool whose_is(const struct whose *w, const struct result *r)
{
    if (*w->fp && *r->fp)
        return strcmp(w->fp, r->fp) == 0;
    if (*r->ed && *w->ed)
        return strcmp(w->ed, r->ed) == 0;
    return is_there(w, &r->at);
}
