/* What the operator's tor, or whatever answers on its port, says: whole and in pieces it comes to
 * the same, and what has failed says why. */
#include <stdlib.h>
#include <string.h>

#include "measure/torbw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
    unsigned ready, told;
    uint64_t sum;
};

static bool cookie(void *arg, const char *path, uint8_t out[TORBW_COOKIE_LEN])
{
    (void)arg;
    memset(out, 1, TORBW_COOKIE_LEN);
    return path[0] != '\0' && path[strlen(path) - 1] != '0';
}

static void on_ready(void *arg)
{
    ((struct heard *)arg)->ready++;
}

static void on_bw(void *arg, uint64_t read, uint64_t written)
{
    struct heard *h = arg;
    h->told++;
    h->sum += read * 3 + written;
}

static const struct torbw_ops ops = {cookie, on_ready, on_bw};

static void zeros(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, 0, len);
}

static struct env env = {.random = zeros};

static struct heard feed(const uint8_t *data, size_t size, size_t step, enum torbw_step *end)
{
    struct heard h = {.ready = 0};
    struct torbw t;
    torbw_init(&t, &env, &ops, &h);
    err_t e = OK;
    for (size_t at = 0; at < size && e == OK; at += step)
        e = torbw_feed(&t, data + at, size - at < step ? size - at : step);
    if ((e != OK) != (t.step == TORBW_FAILED) || (e != OK && !t.why[0]) || h.ready > 1 ||
        (h.told && !h.ready))
        abort();
    *end = t.step;
    torbw_free(&t);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum torbw_step whole, pieces;
    struct heard a = feed(data, size, 4096, &whole), b = feed(data, size, 1, &pieces);
    if (whole != pieces || a.told != b.told || a.sum != b.sum)
        abort();
    return 0;
}
