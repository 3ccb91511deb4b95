/* TLS in the hands of a case: as it should be, and as it should not. */
#include "check/probe_int.h"

static struct probe *begin_tls(struct trial *t, struct tls_ctx *ctx)
{
    struct probe *p = probe_tcp(t);
    if (!p || !trial_goes_on(t))
        return p;
    trial_awaits(t, "a TLS handshake");
    p->tls = ctx ? tls_new(ctx, t->run->env) : NULL;
    if (!p->tls)
        trial_fail(t, "out of memory");
    return p;
}

/* OK, ERR_LINK_TLS, ERR_LINK_CLOSED, ERR_LINK_TIMEOUT. */
static err_t shake(struct probe *p)
{
    err_t e = ERR_MORE;
    while (e == ERR_MORE) {
        e = tls_handshake(p->tls);
        probe_flush(p);
        if (e == ERR_MORE) {
            err_t got = probe_get(p, p->t->run->answer_ms);
            e = got == OK ? ERR_MORE : got == ERR_MORE ? ERR_LINK_TIMEOUT : got;
        }
    }
    return e;
}

static void finish_tls(struct probe *p)
{
    if (!p || !trial_goes_on(p->t))
        return;
    err_t e = shake(p);
    if (e == OK)
        trial_saw(p->t, "TLS");
    else if (e == ERR_LINK_TLS)
        trial_fail(p->t, "TLS failed: %s", tls_error(p->tls));
    else
        trial_fail(p->t, "TLS failed: %s", err_text(e));
}

struct probe *probe_tls_with(struct trial *t, struct tls_ctx *ctx)
{
    struct probe *p = begin_tls(t, ctx);
    finish_tls(p);
    return p;
}

struct probe *probe_tls_after(struct trial *t, struct tls_ctx *ctx, const struct probe *earlier)
{
    struct probe *p = begin_tls(t, ctx);
    if (!p || !trial_goes_on(t))
        return p;
    trial_sent(t, "a TLS handshake that offers to resume the session");
    if (tls_odd_resume(p->tls, earlier->tls))
        finish_tls(p);
    else
        trial_fail(t, "the TLS session cannot be offered again");
    return p;
}

struct probe *probe_tls_slowly(struct trial *t)
{
    struct probe *p = begin_tls(t, t->run->tls);
    if (p && trial_goes_on(t)) {
        p->trickles = true;
        trial_sent(t, "a TLS handshake, byte by byte");
    }
    finish_tls(p);
    return p;
}

void probe_tls_refused(struct trial *t, struct tls_ctx *ctx)
{
    char text[64];
    struct probe *p = begin_tls(t, ctx);
    if (!p || !trial_goes_on(t))
        return;
    trial_awaits(t, "the end of the TLS handshake");
    err_t e = shake(p);
    if (e == OK)
        trial_fail(t, "the TLS handshake was done: %s", tls_describe(p->tls, text, sizeof text));
    else
        trial_saw(t, "%s", e == ERR_LINK_TLS ? tls_error(p->tls) : err_text(e));
}

err_t probe_renegotiate(struct probe *p)
{
    if (!p || !trial_goes_on(p->t))
        return ERR_STATE;
    trial_sent(p->t, "a TLS handshake in the open session");
    return tls_odd_renegotiate(p->tls) ? shake(p) : ERR_STATE;
}

void probe_tls_end(struct probe *p)
{
    if (!p || !trial_goes_on(p->t))
        return;
    trial_sent(p->t, "the TLS close alert");
    tls_close(p->tls);
    probe_flush(p);
}

struct tls_ctx *probe_odd(struct trial *t, const struct tls_odd *odd)
{
    struct tls_ctx *ctx = NULL;
    if (!trial_goes_on(t))
        return NULL;
    if (t->n_odd == TRIAL_ODD_MOST || tls_odd_ctx_new(false, odd, 0, &ctx) != OK)
        trial_skip(t, "our TLS library cannot do that any more");
    else
        t->odd[t->n_odd++] = ctx;
    return ctx;
}

struct probe *probe_tls(struct trial *t)
{
    return probe_tls_with(t, t->run->tls);
}
