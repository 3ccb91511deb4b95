/* A directory server of a small network, fed with the input as a request. The first byte chooses a
 * fault (or none), the second how the rest is cut into reads. */
#include <stdlib.h>

#include "crypto/secret.h"
#include "faults/faulty.h"
#include "testnet/dirserv.h"

static void fuzz_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

/* Made once: keys take longer than requests. */
static struct network {
    struct env env;
    uint64_t seed;
    struct plan plan;
    struct identity id[4];
    struct netdocs *docs;
} net;

static void make_network(void)
{
    const struct plan_wish wish = {.authorities = 1, .relays = 3, .exits = 1};
    char why[PLAN_WHY_MAX];
    net.seed = 1;
    net.env = (struct env){.random = fuzz_random, .random_arg = &net.seed};
    net.env.wall_us = INT64_C(1767225600) * US_PER_SEC;
    bool made = crypto_init() == OK && plan_make(&wish, &net.plan, why) == OK;
    for (size_t i = 0; made && i < net.plan.n_nodes; i++)
        made = identity_make(&net.env, &net.id[i]) == OK;
    if (!made || netdocs_new(&net.env, &net.plan, net.id, &net.docs) != OK ||
        netdocs_publish(net.docs) != OK || netdocs_publish(net.docs) != OK)
        abort();
}

static void on_output(void *arg)
{
    (void)arg;
}

static void take_all(struct dirserv *s)
{
    size_t len;
    while (dirserv_out(s, &len)) {
        if (!len)
            abort();
        dirserv_sent(s, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct faulty faulty = {.faults = {.n = {0}}};
    const struct ip peer = {.family = IP_V4, .b = {127, 0, 0, 1}};
    if (!net.docs)
        make_network();
    if (len < 2)
        return 0;
    /* Faults of directories come last; 0 is none. Bombs are too slow for this. */
    unsigned fault = FAULT_DIR_SILENT - 1u + data[0];
    if (data[0] && fault < FAULTS && fault != FAULT_DIR_BOMB)
        faulty.faults.n[fault] = 1;
    struct dirserv_source source = {.env = &net.env,
                                    .docs = net.docs,
                                    .self = net.id[0].rsa_id,
                                    .name = "served",
                                    .misdeeds = &faulty_dir,
                                    .misdeeds_arg = &faulty};
    struct dirserv *s = dirserv_new(&source, &peer, on_output, NULL);
    size_t step = data[1] ? data[1] : len;
    for (size_t at = 2; s && at < len; at += step) {
        dirserv_feed(s, data + at, len - at < step ? len - at : step);
        take_all(s);
    }
    dirserv_free(s);
    buf_free(&faulty.wrong_body);
    return 0;
}
