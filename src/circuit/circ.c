#include "circuit/circ_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "circuit/window.h"

enum { RELAY_EARLY_MAX = 8 };

/* ---- closing ---- */

static void tell_gone(void *arg)
{
    struct circ *c = arg;
    if (c->user && c->user->on_end)
        c->user->on_end(c->user_arg, &c->end);
    c->ops->on_end(c->arg, &c->end); /* C may be freed now */
}

/* The circuit is off its link or gets off it here; nothing of it is used any more but c->end. */
void circ_mark_closed(struct circ *c, err_t why, uint8_t reason)
{
    c->state = CIRC_CLOSED;
    c->end.why = why;
    c->end.reason = reason;
    c->end.hops = c->onion.n;
    circ_handshake_wipe(&c->handshake);
    circ_pad_end(c);
    char text[160];
    log_info(c->env->log, "circuit %u closed: %s", (unsigned)c->id,
             circ_end_text(&c->end, text, sizeof text));
    later_ask(c->env, &c->tell);
}

void circ_close(struct circ *c, err_t why, uint8_t reason)
{
    if (c->state == CIRC_CLOSED)
        return;
    /* tor-spec 5.4: "To prevent leaks, the client [...] SHOULD send NONE" */
    link_circ_close(&c->lc, true, DESTROY_NONE);
    circ_mark_closed(c, why, reason);
}

void circ_fail(struct circ *c, err_t why)
{
    enum err_class class = err_class(why);
    circ_close(c, why, class == ERRC_CIRCUIT ? DESTROY_PROTOCOL : DESTROY_INTERNAL);
}

void circ_close_remote(struct circ *c, uint8_t reason)
{
    c->end.remote = true;
    circ_mark_closed(c, OK, reason);
}

const char *circ_end_text(const struct circ_end *end, char *out, size_t size)
{
    if (end->link_ended)
        snprintf(out, size, "link ended: %s", end->link.text);
    else if (end->remote)
        snprintf(out, size, "hop %u: %s (%s)", end->hops, destroy_reason_name(end->reason),
                 destroy_reason_text(end->reason));
    else
        snprintf(out, size, "hop %u: %s (%s)", end->hops, destroy_reason_name(end->reason),
                 err_text(end->why));
    return out;
}

/* ---- life ---- */

struct circ_config circ_config_defaults(void)
{
    return (struct circ_config){
        .early_most = RELAY_EARLY_MAX,
        /* sendme_accept_min_version is 1 on the live network: version 0 proves nothing. */
        .sendme_version = 1,
        .flow = {.package_start = CIRCWINDOW_START,
                 .deliver_start = CIRCWINDOW_START,
                 .cc = cc_params_defaults()},
    };
}

struct circ *circ_new(struct env *env, struct link *l, const struct circ_config *config,
                      const struct circ_ops *ops, void *arg)
{
    struct circ *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->env = env;
    c->config = *config;
    c->ops = ops;
    c->arg = arg;
    c->we = RELAY_TO_CLIENT;
    c->lc.ops = &circ_link_ops;
    c->lc.arg = c;
    later_init(&c->tell, tell_gone, c);
    if (link_circ_open(l, &c->lc) != OK) {
        free(c);
        return NULL;
    }
    c->link = l;
    c->id = c->lc.id;
    /* C tor starts with eight or seven, so that the number tells nothing about the circuit. */
    c->early_left = config->early_most - (unsigned)env_random_below(env, 2);
    return c;
}

void circ_free(struct circ *c)
{
    if (!c)
        return;
    if (c->state != CIRC_CLOSED)
        link_circ_close(&c->lc, true, DESTROY_NONE);
    later_cancel(c->env, &c->tell);
    circ_handshake_wipe(&c->handshake);
    circ_pad_end(c);
    free(c->pad);
    onion_clear(&c->onion);
    free(c);
}

void circ_set_user(struct circ *c, const struct circ_user_ops *ops, void *arg)
{
    c->user = ops;
    c->user_arg = arg;
}

void *circ_user(const struct circ *c, const struct circ_user_ops *ops)
{
    return c->user == ops ? c->user_arg : NULL;
}

void circ_serve(struct circ *c)
{
    c->we = RELAY_TO_SERVICE;
}

void circ_set_control(struct circ *c, circ_control_fn *control, void *arg)
{
    c->control = control;
    c->control_arg = arg;
}

void circ_set_tap(struct circ *c, circ_tap_fn *tap, void *arg)
{
    c->tap = tap;
    c->tap_arg = arg;
}

/* ---- what it is ---- */

enum circ_state circ_state(const struct circ *c)
{
    return c->state;
}

unsigned circ_hops(const struct circ *c)
{
    return c->onion.n;
}

const struct circ_counts *circ_counts(const struct circ *c)
{
    return &c->counts;
}

uint32_t circ_id(const struct circ *c)
{
    return c->id;
}
