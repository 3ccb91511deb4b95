#include "measure/selfdesc.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/later.h"
#include "cell/reason.h"
#include "cell/relay_stream.h"
#include "circuit/circ.h"
#include "dir/dirhttp.h"
#include "measure/onehop.h"

enum { STREAM = 1, STREAM_SENDME_EVERY = 50, HTTP_OK = 200 };

struct selfdesc {
    struct env *env;
    struct selfdesc_config config;
    void (*on_done)(void *arg, const struct selfdesc_answer *answer);
    void *arg;
    struct link *link;
    struct circ *circ;
    struct dirhttp *http;
    unsigned data; /* cells */
    size_t at;     /* of its addresses */
    bool over, connected;
    struct selfdesc_answer answer;
    struct timer late;
    struct later tell, again;
};

/* ---- the end ---- */

static void tell(void *arg)
{
    struct selfdesc *d = arg;
    d->on_done(d->arg, &d->answer);
}

static void done(struct selfdesc *d, err_t e, const char *why)
{
    if (d->over)
        return;
    d->over = true;
    d->answer.err = e;
    snprintf(d->answer.why, sizeof d->answer.why, "%s", why);
    env_disarm(d->env, &d->late);
    if (d->circ)
        circ_close(d->circ, OK, DESTROY_NONE);
    if (d->link)
        link_close(d->link, OK, OR_DONE, "the descriptor was asked for");
    later_ask(d->env, &d->tell);
}

static void too_late(void *arg)
{
    done(arg, ERR_LINK_TIMEOUT, "the relay did not send its descriptor in time");
}

/* ---- the stream ---- */

static err_t ask(struct selfdesc *d)
{
    char request[DIRHTTP_REQUEST_MAX], host[IP_TEXT_MAX];
    const struct dirhttp_options o = {.host = ip_text(&d->answer.relay.at.ip, host),
                                      .accept = "identity"};
    size_t len;
    d->connected = true;
    TRY(dirhttp_get("/tor/server/authority", &o, request, &len));
    return circ_send(d->circ, 1, RELAY_DATA, STREAM, (const uint8_t *)request, len);
}

static void take_answer(struct selfdesc *d)
{
    struct dirhttp_reply reply;
    char text[80];
    err_t e = dirhttp_end(d->http, &reply);
    if (e == OK && reply.status != HTTP_OK) {
        snprintf(text, sizeof text, "the relay gives no descriptor of itself: HTTP %d",
                 reply.status);
        done(d, ERR_NOT_FOUND, text);
        return;
    }
    if (e == OK)
        d->answer.descriptor = reply.body;
    done(d, e, e == OK ? "" : err_text(e));
}

static err_t took(struct selfdesc *d, const struct relay_msg *m)
{
    err_t e = dirhttp_feed(d->http, m->data, m->len);
    if (e != OK)
        done(d, e, err_text(e));
    else if (++d->data % STREAM_SENDME_EVERY == 0)
        return circ_send(d->circ, 1, RELAY_SENDME, STREAM, NULL, 0);
    return OK;
}

static err_t on_msg(void *arg, unsigned hop, const struct relay_msg *m)
{
    struct selfdesc *d = arg;
    (void)hop;
    if (m->stream_id != STREAM)
        return ERR_CIRC_PROTO;
    if (m->cmd == RELAY_CONNECTED && !d->connected)
        return ask(d);
    if (m->cmd == RELAY_DATA && d->connected)
        return took(d, m);
    if (m->cmd == RELAY_END && d->connected)
        take_answer(d);
    else if (m->cmd == RELAY_END)
        done(d, ERR_NOT_FOUND,
             "the relay is no directory, so it cannot be asked for its descriptor");
    return OK;
}

static void on_writable(void *arg)
{
    (void)arg;
}

static void user_on_end(void *arg, const struct circ_end *end)
{
    (void)arg, (void)end;
}

static const struct circ_user_ops user_ops = {on_msg, on_writable, user_on_end};

/* ---- circuit and link ---- */

static void circ_on_open(void *arg)
{
    struct selfdesc *d = arg;
    if (circ_send(d->circ, 1, RELAY_BEGIN_DIR, STREAM, NULL, 0) != OK)
        done(d, ERR_NOMEM, "BEGIN_DIR could not be sent");
}

static void circ_on_end(void *arg, const struct circ_end *end)
{
    char text[SELFDESC_WHY_MAX];
    done(arg, end->why == OK ? ERR_CIRC_PROTO : end->why, circ_end_text(end, text, sizeof text));
}

static const struct circ_ops circ_ops = {.on_open = circ_on_open, .on_end = circ_on_end};

static void link_on_open(void *arg)
{
    struct selfdesc *d = arg;
    const struct circ_config config = circ_config_defaults();
    d->answer.relay.rsa = *link_peer_rsa(d->link);
    d->answer.relay.ed = *link_peer_ed(d->link);
    d->answer.relay.has_rsa = true;
    d->answer.relay.has_ed = !ed_id_is_zero(&d->answer.relay.ed);
    d->circ = circ_new(d->env, d->link, &config, &circ_ops, d);
    if (!d->circ || circ_build_fast(d->circ) != OK) {
        done(d, ERR_NOMEM, "a circuit could not be asked for");
        return;
    }
    circ_set_user(d->circ, &user_ops, d);
}

/* The next address, if there is one that may be asked. */
static bool go_on(struct selfdesc *d)
{
    char why[CONSENT_WHY_MAX];
    const struct meas_relay *r = &d->config.relay;
    while (++d->at < r->n_addrs)
        if (consent_check_address(&r->addrs[d->at], why) == OK)
            return true;
    return false;
}

static void link_on_end(void *arg, const struct link_end *end)
{
    struct selfdesc *d = arg;
    char why[SELFDESC_WHY_MAX];
    if (d->over)
        return;
    if (onehop_is_ours(end->why)) {
        done(d, end->why, end->text);
        return;
    }
    if (end->during < LINK_OPEN && go_on(d)) {
        later_ask(d->env, &d->again);
        return;
    }
    snprintf(why, sizeof why, "no relay is there: %s", end->text);
    if (end->during == LINK_CONNECTING)
        done(d, ERR_LINK_CONNECT, why);
    else
        done(d, end->why == OK ? ERR_LINK_CLOSED : end->why, end->text);
}

static void link_on_output(void *arg)
{
    struct selfdesc *d = arg;
    d->config.sockets->output(d->config.world, d->link);
}

static const struct link_ops link_ops = {
    .on_open = link_on_open, .on_end = link_on_end, .on_output = link_on_output};

/* ---- life ---- */

static err_t dial(struct selfdesc *d)
{
    const struct meas_relay *r = &d->config.relay;
    const struct link_config config = {.tls = d->config.tls,
                                       .connect_timeout_ms = MEAS_CONNECT_MS,
                                       .handshake_timeout_ms = MEAS_CONNECT_MS,
                                       .padding = LINK_PADDING_OFF};
    const struct link_target target = {.reach = reach_at(r->addrs[d->at]),
                                       .rsa = r->fp,
                                       .ed = r->ed25519,
                                       .has_rsa = r->has_fp,
                                       .has_ed = r->has_ed25519};
    d->answer.relay.at = r->addrs[d->at];
    d->link = link_new(d->env, &config, &target, &link_ops, d);
    if (!d->link)
        return ERR_NOMEM;
    d->config.sockets->dial(d->config.world, d->link);
    return OK;
}

static void again(void *arg)
{
    struct selfdesc *d = arg;
    d->config.sockets->hangup(d->config.world, d->link);
    link_free(d->link);
    d->link = NULL;
    if (dial(d) != OK)
        done(d, ERR_NOMEM, "out of memory");
}

err_t selfdesc_new(struct env *env, const struct selfdesc_config *config,
                   void (*on_done)(void *arg, const struct selfdesc_answer *answer), void *arg,
                   struct selfdesc **out, char why[CONSENT_WHY_MAX])
{
    TRY(consent_check_address(&config->relay.addrs[0], why));
    struct selfdesc *d = calloc(1, sizeof *d);
    snprintf(why, CONSENT_WHY_MAX, "out of memory");
    if (!d)
        return ERR_NOMEM;
    *d = (struct selfdesc){.env = env, .config = *config, .on_done = on_done, .arg = arg};
    timer_init(&d->late, too_late, d);
    later_init(&d->tell, tell, d);
    later_init(&d->again, again, d);
    err_t e = dirhttp_new(CONSENT_DESCRIPTOR_MOST, false, &d->http);
    if (e == OK)
        e = dial(d);
    if (e != OK) {
        selfdesc_free(d);
        return e;
    }
    env_arm_ms(env, &d->late, SELFDESC_MS);
    *out = d;
    return OK;
}

void selfdesc_free(struct selfdesc *d)
{
    if (!d)
        return;
    env_disarm(d->env, &d->late);
    d->over = true;
    circ_free(d->circ);
    if (d->link)
        d->config.sockets->hangup(d->config.world, d->link);
    link_free(d->link);
    later_cancel(d->env, &d->tell);
    later_cancel(d->env, &d->again);
    dirhttp_free(&d->http);
    free(d);
}
