#include "measure/onehop.h"

#include <stdio.h>
#include <string.h>

#include "base/wr.h"
#include "cell/chan_circ.h"
#include "cell/reason.h"
#include "circuit/tor1.h"
#include "crypto/secret.h"

void onehop_init(struct onehop *h, struct env *env, const struct meas_world *ops_world, void *world,
                 const struct onehop_ops *ops, void *arg)
{
    *h =
        (struct onehop){.env = env, .ops_world = ops_world, .world = world, .ops = ops, .arg = arg};
    h->lost = MEAS_RELAY_LOST;
}

/* ---- the end ---- */

static void end(struct onehop *h, err_t why, const char *text)
{
    enum onehop_state during = h->state;
    if (during == ONEHOP_OVER)
        return;
    onehop_close(h);
    h->ops->on_end(h->arg, during, why, *text ? text : err_text(why));
}

void onehop_close(struct onehop *h)
{
    if (h->state == ONEHOP_OVER)
        return;
    h->state = ONEHOP_OVER;
    link_circ_close(&h->circ, true, DESTROY_NONE);
    if (h->link)
        link_close(h->link, OK, OR_DONE, "the measurement is over");
}

void onehop_free(struct onehop *h)
{
    onehop_close(h);
    if (h->link) {
        h->ops_world->hangup(h->world, h->link);
        link_free(h->link);
    }
    h->link = NULL;
    layer_free(h->layer);
    h->layer = NULL;
    secret_wipe(&h->fast, sizeof h->fast);
}

/* ---- the circuit ---- */

static void created(struct onehop *h, const uint8_t *body)
{
    uint8_t keys[TOR1_KEYS_LEN];
    err_t e = fast_client_finish(&h->fast, body, keys, sizeof keys);
    secret_wipe(&h->fast, sizeof h->fast);
    if (e == OK)
        h->layer = tor1_kind.make(keys, LAYER_CLIENT);
    secret_wipe(keys, sizeof keys);
    if (e == OK && !h->layer)
        e = ERR_NOMEM;
    if (e != OK) {
        end(h, e, err_text(e));
        return;
    }
    h->state = ONEHOP_READY;
    h->ops->on_ready(h->arg);
}

static void on_measurement(struct onehop *h, const uint8_t *body)
{
    struct meas_cell m;
    err_t e = meas_cell_decode(rd_over(body, CELL_BODY_LEN), &m);
    if (e == OK)
        h->ops->on_meas(h->arg, &m);
    else if (e != ERR_UNSUPPORTED) /* of what a later version may say nothing is made */
        end(h, ERR_CIRC_PROTO, "a MEASUREMENT cell of the relay is malformed");
}

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct onehop *h = arg;
    if (h->state == ONEHOP_CREATING && cmd == CELL_CREATED_FAST)
        created(h, body);
    else if (h->state == ONEHOP_READY && cmd == CELL_RELAY)
        h->ops->on_relay(h->arg, body);
    else if (h->state == ONEHOP_READY && cmd == CELL_MEASUREMENT)
        on_measurement(h, body);
    else
        end(h, ERR_CIRC_PROTO, "a cell came that has no place there");
}

static void on_destroy(void *arg, uint8_t reason)
{
    char text[80];
    snprintf(text, sizeof text, "the relay ended the circuit: %s", destroy_reason_name(reason));
    end(arg, OK, text);
}

static void end_by_link(struct onehop *h, const struct link_end *link_end)
{
    char text[MEAS_INFO_MAX];
    snprintf(text, sizeof text, "%s%s", link_end->text, meas_link_hint(link_end));
    h->lost = meas_code_of_link(link_end);
    end(h, link_end->why, text);
}

static void on_link_closed(void *arg, const struct link_end *link_end)
{
    struct onehop *h = arg;
    end_by_link(h, link_end);
}

static void on_writable(void *arg)
{
    struct onehop *h = arg;
    if (h->state == ONEHOP_READY)
        h->ops->on_writable(h->arg);
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

/* ---- the link ---- */

static void on_open(void *arg)
{
    struct onehop *h = arg;
    uint8_t *body = NULL;
    h->circ = (struct link_circ){.ops = &circ_ops, .arg = h};
    err_t e = link_circ_open(h->link, &h->circ);
    if (e == OK && !(body = link_cell(&h->circ, CELL_CREATE_FAST, LINK_URGENT)))
        e = ERR_FULL;
    if (e != OK) {
        end(h, e, err_text(e));
        return;
    }
    memset(body, 0, CELL_BODY_LEN);
    fast_client_begin(h->env, &h->fast, body);
    link_cell_commit(&h->circ);
    h->state = ONEHOP_CREATING;
}

/* Circuits have been told before. */
static void on_link_end(void *arg, const struct link_end *link_end)
{
    struct onehop *h = arg;
    end_by_link(h, link_end);
    h->ops_world->hangup(h->world, h->link);
}

static void on_output(void *arg)
{
    struct onehop *h = arg;
    h->ops_world->output(h->world, h->link);
}

static void on_clock_skew(void *arg, int64_t skew_s)
{
    (void)arg;
    (void)skew_s; /* no time but our own counts here */
}

static const struct link_ops link_ops = {
    .on_open = on_open,
    .on_end = on_link_end,
    .on_output = on_output,
    .on_clock_skew = on_clock_skew,
};

err_t onehop_open(struct onehop *h, const struct link_config *config,
                  const struct meas_relay *relay)
{
    struct link_target target = {.rsa = relay->fp,
                                 .ed = relay->ed25519,
                                 .has_rsa = relay->has_fp,
                                 .has_ed = relay->has_ed25519};
    if (!relay->n_addrs)
        return ERR_ARG;
    target.reach.addr = relay->addrs[0];
    h->link = link_new(h->env, config, &target, &link_ops, h);
    if (!h->link)
        return ERR_NOMEM;
    h->state = ONEHOP_DIALLING;
    h->ops_world->dial(h->world, h->link);
    return OK;
}

err_t onehop_say(struct onehop *h, const struct meas_cell *cell)
{
    uint8_t bytes[CELL_BODY_LEN] = {0}, *body;
    struct wr w = wr_over(bytes, sizeof bytes);
    if (h->state != ONEHOP_READY)
        return ERR_STATE;
    TRY(meas_cell_encode(&w, cell));
    body = link_cell(&h->circ, CELL_MEASUREMENT, LINK_URGENT);
    if (!body)
        return ERR_FULL;
    memcpy(body, bytes, sizeof bytes);
    link_cell_commit(&h->circ);
    return OK;
}
