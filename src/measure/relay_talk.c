#include "measure/relay_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/later.h"
#include "measure/onehop.h"

struct relay_talk {
    struct env *env;
    struct relay_talk_config config;
    size_t at; /* of the relay's addresses */
    struct onehop hop;
    const struct relay_talk_ops *ops;
    void *arg;
    bool granted, over;
    struct timer deadline;
    struct later again; /* the next address */
};

static void end(struct relay_talk *t, enum meas_code code, const char *text)
{
    if (t->over)
        return;
    relay_talk_leave(t, false);
    t->ops->on_end(t->arg, code, text);
}

/* ---- what comes ---- */

static void on_ready(void *arg)
{
    struct relay_talk *t = arg;
    const struct meas_cell ask = {.cmd = MEAS_PARAMS, .params = t->config.params};
    if (onehop_say(&t->hop, &ask) == OK)
        env_arm_ms(t->env, &t->deadline, RELAY_TALK_ANSWER_MS);
    else
        end(t, MEAS_RESOURCES, "what is to be asked does not fit into a cell");
}

static void granted(struct relay_talk *t, const struct meas_ext *limits)
{
    if (t->granted) {
        end(t, MEAS_MALFORMED_TOR_RESP, "the relay agreed twice");
        return;
    }
    t->granted = true;
    env_disarm(t->env, &t->deadline);
    t->ops->on_granted(t->arg, limits);
}

static void refused(struct relay_talk *t, uint8_t code)
{
    char text[MEAS_INFO_MAX];
    snprintf(text, sizeof text, "the relay says: %s%s", meas_error_text(code),
             code == MEAS_ERR_TOO_LONG
                 ? "; connecting counts, too: of the usual 45 s 42 can be measured"
                 : "");
    end(t, MEAS_REFUSED, text);
}

static void on_meas(void *arg, const struct meas_cell *cell)
{
    struct relay_talk *t = arg;
    if (cell->cmd == MEAS_PARAMS_OK)
        granted(t, &cell->ok);
    else if (cell->cmd == MEAS_ERR)
        refused(t, cell->err.code);
    else if (cell->cmd == MEAS_BG && t->granted)
        t->ops->on_bg(t->arg, &cell->bg);
    else
        end(t, MEAS_MALFORMED_TOR_RESP, "the relay said what only a measurer may say");
}

static void on_relay(void *arg, uint8_t *body)
{
    (void)body;
    end(arg, MEAS_MALFORMED_TOR_RESP, "the relay sent a RELAY cell that nobody asked for");
}

static void on_writable(void *arg)
{
    (void)arg;
}

/* Of a relay that has several addresses, the next one is tried where nobody, or somebody else, is.
 */
static bool may_go_on(const struct relay_talk *t, enum onehop_state during, err_t why)
{
    return during == ONEHOP_DIALLING && !onehop_is_ours(why) && t->at + 1 < t->config.relay.n_addrs;
}

/* What is ours is not to be the relay's: it would be left alone for a day. */
static enum meas_code code_of(const struct relay_talk *t, err_t why)
{
    if (why == ERR_CIRC_PROTO)
        return MEAS_MALFORMED_TOR_RESP;
    return onehop_is_ours(why) ? MEAS_RESOURCES : t->hop.lost;
}

static void on_end(void *arg, enum onehop_state during, err_t why, const char *text)
{
    struct relay_talk *t = arg;
    char more[MEAS_INFO_MAX];
    enum meas_code code = code_of(t, why);
    if (t->over)
        return;
    if (may_go_on(t, during, why)) {
        later_ask(t->env, &t->again);
        return;
    }
    snprintf(more, sizeof more, "no relay is there: %.170s", text);
    end(t, code, code == MEAS_UNREACHABLE ? more : text);
}

static const struct onehop_ops hop_ops = {on_ready, on_meas, on_relay, on_writable, on_end};

static void on_deadline(void *arg)
{
    struct relay_talk *t = arg;
    if (t->hop.state < ONEHOP_READY)
        end(t, MEAS_TIMEOUT, "the circuit was not there in time");
    else
        end(t, MEAS_UNSUPPORTED,
            "the relay said nothing for 10 s; if it is one of tor's, --mode echo2 measures it");
}

/* ---- life ---- */

static err_t dial(struct relay_talk *t)
{
    const struct relay_talk_config *config = &t->config;
    struct link_config link = config->link;
    struct meas_relay relay = config->relay;
    link.connect_timeout_ms = link.handshake_timeout_ms = MEAS_CONNECT_MS;
    link.padding = LINK_PADDING_OFF;
    link.measures = true;
    if (relay.n_addrs)
        relay.addrs[0] = relay.addrs[t->at];
    onehop_init(&t->hop, t->env, config->ops_world, config->world, &hop_ops, t);
    TRY(onehop_open(&t->hop, &link, &relay));
    env_arm_ms(t->env, &t->deadline, 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS);
    return OK;
}

static void again(void *arg)
{
    struct relay_talk *t = arg;
    if (t->over)
        return;
    onehop_free(&t->hop);
    t->at++;
    if (dial(t) != OK)
        end(t, MEAS_RESOURCES, "out of memory");
}

err_t relay_talk_new(struct env *env, const struct relay_talk_config *config,
                     const struct relay_talk_ops *ops, void *arg, struct relay_talk **out)
{
    struct relay_talk *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    *t = (struct relay_talk){.env = env, .config = *config, .ops = ops, .arg = arg};
    timer_init(&t->deadline, on_deadline, t);
    later_init(&t->again, again, t);
    err_t e = dial(t);
    if (e != OK) {
        t->over = true;
        relay_talk_free(t);
        return e;
    }
    *out = t;
    return OK;
}

void relay_talk_leave(struct relay_talk *t, bool aborted)
{
    const struct meas_cell cell = {.cmd = MEAS_ERR, .err = {.code = MEAS_ERR_ABORTED}};
    if (t->over)
        return;
    t->over = true;
    env_disarm(t->env, &t->deadline);
    if (aborted && t->hop.state == ONEHOP_READY && onehop_say(&t->hop, &cell) != OK)
        t->granted = false; /* the end of the circuit says the same */
    onehop_close(&t->hop);
}

void relay_talk_free(struct relay_talk *t)
{
    if (!t)
        return;
    relay_talk_leave(t, false);
    later_cancel(t->env, &t->again);
    onehop_free(&t->hop);
    free(t);
}

const struct ipport *relay_talk_at(const struct relay_talk *t)
{
    return &t->config.relay.addrs[t->at];
}

static bool is_open(const struct relay_talk *t)
{
    return t->hop.link && t->hop.state >= ONEHOP_CREATING && t->hop.state <= ONEHOP_READY;
}

const struct ed_id *relay_talk_peer(const struct relay_talk *t)
{
    return is_open(t) ? link_peer_ed(t->hop.link) : NULL;
}

const struct rsa_id *relay_talk_peer_rsa(const struct relay_talk *t)
{
    return is_open(t) ? link_peer_rsa(t->hop.link) : NULL;
}
