/* What a measurer is told by a coordinator that means it no good: nothing that it takes for a yes
 * is one, since nobody of that address has signed anything; and what is refused has a reason. */
#include <stdlib.h>
#include <string.h>

#include "measure/msg.h"
#include "measure/stock.h"
#include "measure/told.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_S = 1767225600 };

static void no_random(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, 7, len);
}

static void nobody(void *world, struct link *l)
{
    (void)world, (void)l;
    abort(); /* nothing is dialled before the next wake-up */
}

static bool all_free(const struct meas_relay *r)
{
    for (size_t i = 0; i < r->n_addrs; i++)
        if (!consent_is_free(&r->addrs[i]))
            return false;
    return true;
}

static void begin(const struct connect_to_relay *told, const struct sha256 *pin)
{
    static const struct meas_world sockets = {nobody, nobody, nobody, NULL};
    static const struct measurement_ops ops = {NULL, NULL, NULL};
    struct env env = {.mono_us = 1, .wall_us = NOW_S * (int64_t)US_PER_SEC, .random = no_random};
    const struct stock_config config = {
        .told = *told, .name = "m1", .sockets = &sockets, .pin = pin, .bytes_most = 1000};
    char why[CONSENT_WHY_MAX] = "";
    struct stock *s = NULL;
    err_t e = stock_new(&env, &config, &ops, NULL, &s, why);
    if (e == OK && !consent_is_free(&told->relay.addrs[0]))
        abort();
    if (e != OK && (s || !why[0]))
        abort();
    stock_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sha256 pin = {.b = {1}};
    struct msg m;
    char why[CONSENT_WHY_MAX] = "", bad[MSG_WHY];
    if (msg_parse((struct text){(const char *)data, size}, &m, bad) != OK)
        return 0;
    if (m.type == MSG_CONNECT_TO_RELAY) {
        const struct connect_to_relay *told = &m.connect;
        const struct ipport nowhere = {.port = 0};
        err_t e = consent_of_told(told, &pin, &nowhere, NOW_S, why);
        if ((e == OK && told->mode != MEAS_FLASHFLOW && !all_free(&told->relay)) ||
            (e != OK && !why[0]))
            abort();
        if (told->relay.n_addrs)
            begin(told, &pin);
    }
    msg_free(&m);
    return 0;
}
