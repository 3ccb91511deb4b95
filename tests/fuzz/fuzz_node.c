/* A node of a test network, fed with the input as a client's relay messages on one circuit: each is
 * command, stream id, flags and length in a byte each, then its data. The harness encrypts them.
 * Command 255 is a MEASUREMENT cell, of a coordinator that the node allows if the size has bit 1.
 */
#include <stdlib.h>
#include <string.h>

#include "circuit/fast.h"
#include "circuit/tor1.h"
#include "link/link_int.h"
#include "testnet/node_int.h"
#include "testnet/testnet.h"

enum { CIRC_ID = 0x80000001u, MSG_HEAD = 4, TARGETS = 8, MEASUREMENT = 255 };

static struct target *targets[TARGETS];

static void fuzz_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

/* ---- a world in which nobody answers but targets ---- */

static void dial(void *world, struct link *l, const struct ip *from, const struct ipport *to)
{
    (void)world, (void)l, (void)from;
    if (!ip_is_loopback(&to->ip))
        abort();
}

static void of_link(void *world, struct link *l)
{
    (void)world, (void)l;
}

static void target_dial(void *world, struct target *t, const struct ip *from,
                        const struct ipport *to)
{
    (void)world, (void)from;
    if (!ip_is_loopback(&to->ip))
        abort();
    for (size_t i = 0; i < TARGETS; i++)
        if (!targets[i]) {
            targets[i] = t;
            return;
        }
}

static void target_hangup(void *world, struct target *t)
{
    (void)world;
    for (size_t i = 0; i < TARGETS; i++)
        if (targets[i] == t)
            targets[i] = NULL;
}

static void of_target(void *world, struct target *t)
{
    (void)world, (void)t;
}

static const struct node_world world = {.dial = dial,
                                        .output = of_link,
                                        .hangup = of_link,
                                        .resume = of_link,
                                        .target_dial = target_dial,
                                        .target_output = of_target,
                                        .target_resume = of_target,
                                        .target_hangup = target_hangup};

/* Targets connect, take what there is, talk, and end now and then. */
static void targets_act(uint8_t how)
{
    for (size_t i = 0; i < TARGETS; i++) {
        size_t len, room;
        if (targets[i] && !target_io(targets[i])) {
            target_set_io(targets[i], targets);
            if (how & 1)
                target_connected(targets[i]);
            else
                target_failed(targets[i], how);
        }
        if (targets[i] && how & 2 && target_out(targets[i], &len))
            target_sent(targets[i], len);
        uint8_t *in = targets[i] && how & 4 ? target_in_room(targets[i], &room) : NULL;
        if (in) {
            memset(in, how, room);
            target_in_done(targets[i], room);
        }
        if (targets[i] && (how & 0x18) == 0x18)
            target_in_end(targets[i]);
    }
}

/* ---- the client's end ---- */

static void drop_output(struct link *l)
{
    buf_drain(&l->out, l->out.len);
}

static void feed(struct link *l, uint8_t cmd, const uint8_t *body)
{
    uint8_t storage[CHAN_CELL_MAX];
    struct wr w = wr_over(storage, sizeof storage);
    if (l->state != LINK_OPEN)
        return;
    if (chan_head_encode(&w, 4, CIRC_ID, cmd, CELL_BODY_LEN) != OK)
        abort();
    wr_bytes(&w, body, CELL_BODY_LEN);
    if (buf_add(&l->in, storage, w.len) != OK)
        abort();
    link_handle_cells(l);
}

/* CREATE_FAST; the client's layer. */
static struct layer *create(struct env *env, struct link *l)
{
    struct fast_client st;
    uint8_t body[CELL_BODY_LEN] = {0}, keys[TOR1_KEYS_LEN];
    fast_client_begin(env, &st, body);
    drop_output(l);
    feed(l, CELL_CREATE_FAST, body);
    if (l->out.len != CHAN_CELL_MAX ||
        fast_client_finish(&st, buf_at(&l->out) + 5, keys, sizeof keys) != OK)
        abort();
    drop_output(l);
    return tor1_kind.make(keys, LAYER_CLIENT);
}

static void say(struct link *l, struct layer *layer, const uint8_t *head, const uint8_t *data,
                size_t len)
{
    uint8_t measurement[CELL_BODY_LEN] = {0};
    if (head[0] == MEASUREMENT) {
        memcpy(measurement, data, len);
        feed(l, CELL_MEASUREMENT, measurement);
        return;
    }
    struct relay_msg m = {.cmd = RELAY_DROP, .data = data, .len = len};
    uint8_t body[CELL_BODY_LEN] = {0};
    size_t random_at;
    if (relay_msg_encode(RELAY_V0, &m, body, &random_at) != OK)
        return;
    body[0] = head[0]; /* any command, and any stream id with it */
    body[4] = head[1];
    bool early = head[2] & 0x80;
    if (layer->kind->originate(layer, CELL_RELAY, body) == OK)
        feed(l, early ? CELL_RELAY_EARLY : CELL_RELAY, body);
}

static void converse(struct env *env, struct link *l, struct layer *layer, const uint8_t *in,
                     size_t left)
{
    while (left >= MSG_HEAD) {
        size_t len = in[3] < left - MSG_HEAD ? in[3] : left - MSG_HEAD;
        say(l, layer, in, in + MSG_HEAD, len);
        targets_act(in[2]);
        if (l->out.len > LINK_OUT_LOW || in[2] & 0x40)
            drop_output(l);
        link_give_turns(l);
        env->mono_us += 1000;
        env_run_timers(env);
        in += MSG_HEAD + len;
        left -= MSG_HEAD + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint64_t state = 1;
    static struct env env = {.mono_us = US_PER_SEC,
                             .wall_us = 1601143280 * (int64_t)US_PER_SEC,
                             .random = fuzz_random,
                             .random_arg = &state};
    static struct testnet *net;
    static const struct ed_id coordinator = {{1}};
    static const struct ipport peer = {{.family = IP_V4, .b = {127, 0, 0, 1}}, 4};
    if (!net) { /* keys take their time: one network for all inputs */
        struct plan plan;
        char why[PLAN_WHY_MAX];
        const struct plan_wish wish = {
            .authorities = 1, .relays = 3, .exits = 1, .base_port = 5000};
        const struct testnet_config config = {.plan = &plan,
                                              .measurable = {.allowed = {true, 1},
                                                             .period_s = {true, 0},
                                                             .coordinators = &coordinator,
                                                             .n_coordinators = 1}};
        if (plan_make(&wish, &plan, why) != OK ||
            testnet_new(&env, &config, &world, NULL, &net) != OK)
            abort();
    }
    struct node *n = testnet_node(net, 3);
    struct link *l = node_accept(n, &peer);
    if (!l)
        return 0;
    l->state = LINK_HANDSHAKING;
    const struct sha256 tls_cert = {{0}};
    handshake_server_start(&l->hs, &env, &tls_cert, NULL);
    l->hs.version = 5;
    l->hs.stage = STAGE_OPEN;
    if (size & 2)
        l->hs.proved.ed = coordinator;
    link_opened(l);
    struct layer *layer = create(&env, l);
    if (!layer)
        abort();
    n->circs->fast = false; /* so that it may leave the network */
    n->circs->congestion_control = size & 1;
    converse(&env, l, layer, data, size);
    layer->kind->free(layer);
    node_destroy_circuits(n, 0);
    link_close(l, OK, OR_DONE, NULL);
    env_run_timers(&env);
    env_run_timers(&env);
    struct node_counts left = node_counts(n);
    if (left.circuits || left.streams || left.queued)
        abort();
    return 0;
}
