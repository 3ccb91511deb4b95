#include "measure/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/conf.h"
#include "measure/consent.h"

void roster_init(struct roster *r)
{
    *r = (struct roster){.n = 0};
}

void roster_free(struct roster *r)
{
    free(r->relays);
    roster_init(r);
}

/* Storage grows by doubling. */
err_t roster_add(struct roster *r, const struct roster_relay *relay)
{
    bool is_full = (r->n & (r->n - 1)) == 0;
    if (r->n == ROSTER_RELAYS_MOST)
        return ERR_LIMIT;
    if (is_full) {
        struct roster_relay *more = realloc(r->relays, (r->n ? 2 * r->n : 1) * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        r->relays = more;
    }
    r->relays[r->n++] = *relay;
    return OK;
}

static int by_fp(const void *a, const void *b)
{
    const struct roster_relay *x = a, *y = b;
    return memcmp(x->who.fp.b, y->who.fp.b, sizeof x->who.fp.b);
}

void roster_sort(struct roster *r)
{
    size_t kept = 0;
    if (r->n)
        qsort(r->relays, r->n, sizeof *r->relays, by_fp);
    for (size_t i = 0; i < r->n; i++)
        if (i + 1 == r->n || by_fp(&r->relays[i], &r->relays[i + 1]) != 0)
            r->relays[kept++] = r->relays[i];
    r->n = kept;
}

struct roster_relay *roster_find(const struct roster *r, const struct rsa_id *fp)
{
    struct roster_relay key;
    key.who.fp = *fp;
    return r->n ? bsearch(&key, r->relays, r->n, sizeof key, by_fp) : NULL;
}

/* ---- a file ---- */

static err_t take_who(struct text word, struct meas_relay *out)
{
    struct text fp, rest = word;
    char at[IPPORT_TEXT_MAX], why[CONSENT_WHY_MAX];
    bool has_address = memchr(word.s, '@', word.len) != NULL;
    if (!has_address)
        fp = word;
    else if (!text_split(&rest, '@', &fp))
        return ERR_MALFORMED;
    if (fp.len && fp.s[0] == '$')
        fp = (struct text){fp.s + 1, fp.len - 1};
    TRY(hex_decode_exact(fp, out->fp.b, sizeof out->fp.b));
    out->has_fp = true;
    if (!has_address)
        return OK;
    if (rest.len >= sizeof at)
        return ERR_MALFORMED;
    memcpy(at, rest.s, rest.len);
    at[rest.len] = 0;
    out->n_addrs = 1;
    return consent_address(at, &out->addrs[0], why);
}

/* A coordinator does neither drop nor http. */
static bool take_word(struct text word, struct roster_relay *out)
{
    enum meas_mode mode;
    if (!meas_mode_find(word, &mode))
        return mconf_bw(word, &out->weight);
    out->mode = mode;
    return mode != MEAS_DROP && mode != MEAS_HTTP;
}

static err_t take_line(struct text line, struct roster_relay *out)
{
    struct text word;
    if (!text_token(&line, &word) || take_who(word, &out->who) != OK)
        return ERR_MALFORMED;
    while (text_token(&line, &word))
        if (!take_word(word, out))
            return ERR_MALFORMED;
    return OK;
}

err_t roster_read(struct roster *r, struct text text, char why[ROSTER_WHY])
{
    struct text line;
    for (unsigned n = 1; text_line(&text, &line); n++) {
        struct roster_relay relay = {.consent = ROSTER_LISTED, .running = true};
        const char *comment = memchr(line.s, '#', line.len);
        line.len = comment ? (size_t)(comment - line.s) : line.len;
        line = text_strip(line);
        if (!line.len)
            continue;
        if (take_line(line, &relay) != OK) {
            snprintf(why, ROSTER_WHY,
                     "line %u: a relay is FINGERPRINT[@ADDRESS:PORT] [MODE] [BW], the mode one of "
                     "flashflow, echo2, sink2 and dir",
                     n);
            return ERR_MALFORMED;
        }
        err_t e = roster_add(r, &relay);
        if (e != OK) {
            snprintf(why, ROSTER_WHY, "line %u: %s", n, err_text(e));
            return e;
        }
    }
    return OK;
}
