#include "cell/ext.h"

#include <stdbool.h>
#include <string.h>

err_t exts_decode(struct rd *r, struct exts *out)
{
    uint8_t n = rd_u8(r);
    if (n > EXTS_MAX)
        return ERR_LIMIT;
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        struct ext *e = &out->e[i];
        e->type = rd_u8(r);
        e->len = rd_u8(r);
        e->body = rd_bytes(r, e->len);
    }
    return rd_ok(r);
}

err_t exts_encode(struct wr *w, const struct exts *m)
{
    if (m->n > EXTS_MAX)
        return ERR_ARG;
    wr_u8(w, (uint8_t)m->n);
    for (size_t i = 0; i < m->n; i++) {
        const struct ext *e = &m->e[i];
        if (i > 0 && e[-1].type >= e->type)
            return ERR_ARG;
        wr_u8(w, e->type);
        wr_u8(w, e->len);
        wr_bytes(w, e->body, e->len);
    }
    return wr_end(w);
}

err_t exts_decode_all(struct rd r, struct exts *out)
{
    TRY(exts_decode(&r, out));
    return rd_end(&r);
}

err_t exts_add(struct exts *m, uint8_t type, const uint8_t *body, uint8_t len)
{
    if (exts_find(m, type))
        return ERR_ARG;
    if (m->n >= EXTS_MAX)
        return ERR_LIMIT;
    size_t at = 0;
    while (at < m->n && m->e[at].type < type)
        at++;
    memmove(&m->e[at + 1], &m->e[at], (m->n - at) * sizeof m->e[0]);
    m->e[at] = (struct ext){.type = type, .len = len, .body = body};
    m->n++;
    return OK;
}

const struct ext *exts_find(const struct exts *m, uint8_t type)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->e[i].type == type)
            return &m->e[i];
    }
    return NULL;
}

err_t ext_cc_response_decode(const struct ext *e, uint8_t *sendme_inc)
{
    struct rd r = rd_over(e->body, e->len);
    *sendme_inc = rd_u8(&r);
    TRY(rd_end(&r));
    return *sendme_inc != 0 ? OK : ERR_MALFORMED;
}

static bool caps_ascend(const struct subproto_request *m)
{
    for (size_t i = 1; i < m->n; i++) {
        const struct subproto_cap *a = &m->c[i - 1], *b = &m->c[i];
        if (a->protocol > b->protocol)
            return false;
        if (a->protocol == b->protocol && a->capability >= b->capability)
            return false;
    }
    return true;
}

err_t subproto_request_decode(struct rd r, struct subproto_request *out)
{
    if (r.left == 0)
        return ERR_MALFORMED;
    if (r.left > 2 * (size_t)EXT_SUBPROTOS_MAX)
        return ERR_LIMIT;
    out->n = 0;
    while (r.left > 0 && !r.failed) {
        struct subproto_cap *c = &out->c[out->n++];
        c->protocol = rd_u8(&r);
        c->capability = rd_u8(&r);
    }
    TRY(rd_end(&r));
    return caps_ascend(out) ? OK : ERR_MALFORMED;
}

err_t subproto_request_encode(struct wr *w, const struct subproto_request *m)
{
    if (m->n == 0 || m->n > EXT_SUBPROTOS_MAX || !caps_ascend(m))
        return ERR_ARG;
    for (size_t i = 0; i < m->n; i++) {
        wr_u8(w, m->c[i].protocol);
        wr_u8(w, m->c[i].capability);
    }
    return wr_end(w);
}
