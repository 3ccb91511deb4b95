/* What several threads of a measurer send together: each makes echo cells, puts the relay's layer
 * on, seals them as TLS does and throws the records away, in place of a relay. All that a thread of
 * a measurer does for sending but the socket, so that more cores than this machine's relay would
 * leave over can be seen to add up.
 *
 * usage: build/bench/threads [SECONDS [MOST]]     MOST: threads, 2 if nothing is said */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cell/chan.h"
#include "circuit/tor1.h"
#include "crypto/secret.h"
#include "link/tls.h"
#include "measure/echo.h"

enum { ROUNDS = 5, TOGETHER = 16, MOST = 64 };

struct sender {
    pthread_t id;
    uint16_t number;
    double seconds;
    uint64_t cells;
    double cpu_s;
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench/threads: %s failed\n", what);
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void carry(struct tls *from, struct tls *to)
{
    size_t len, room;
    const uint8_t *bytes;
    while ((bytes = tls_out(from, &len)) && len) {
        uint8_t *at = tls_in_room(to, &room);
        need(at != NULL, "memory");
        len = len < room ? len : room;
        memcpy(at, bytes, len);
        tls_in_done(to, len);
        tls_out_sent(from, len);
    }
}

/* A session whose other end is forgotten. */
static struct tls *session(struct env *env, struct tls_ctx *client, struct tls_ctx *server)
{
    struct tls *c = tls_new(client, env), *s = tls_new(server, env);
    need(c && s, "TLS");
    for (int i = 0; i < 8; i++) {
        (void)!tls_handshake(c);
        carry(c, s);
        (void)!tls_handshake(s);
        carry(s, c);
    }
    need(tls_handshake(c) == OK, "the handshake");
    tls_free(s);
    return c;
}

static void send_some(struct tls *tls, struct echo *echo, struct layer *layer)
{
    uint8_t cells[TOGETHER * CHAN_CELL_MAX];
    size_t len;
    for (size_t i = 0; i < TOGETHER; i++) {
        uint8_t *cell = cells + i * CHAN_CELL_MAX, *body = cell + CHAN_CELL_MAX - CELL_BODY_LEN;
        memset(cell, 3, CHAN_CELL_MAX - CELL_BODY_LEN);
        need(echo_put(echo, body) == OK, "a payload");
        need(layer->kind->wrap(layer, CELL_RELAY, body) == OK, "a layer");
    }
    need(tls_write(tls, cells, sizeof cells) == OK, "sealing");
    while (tls_out(tls, &len) && len)
        tls_out_sent(tls, len);
}

static void *work(void *arg)
{
    struct sender *s = arg;
    struct env env = {.random = crypto_random};
    static const uint8_t seed[32] = {1}, secret[ECHO_SECRET_LEN] = {2};
    uint8_t keys[TOR1_KEYS_LEN];
    const struct echo_config config = {.seed = seed,
                                       .name = "bench",
                                       .secret = secret,
                                       .meas_id = 1,
                                       .circuit = s->number,
                                       .check = 1,
                                       .form = MEAS_ECHO_RAW};
    struct tls_ctx *client, *server;
    struct echo *echo;
    need(tls_ctx_new_client(&client) == OK, "a context");
    need(tls_ctx_new_server((int64_t)time(NULL), &server) == OK, "a context");
    need(echo_new(&config, &echo) == OK, "echoes");
    env_random(&env, keys, sizeof keys);
    struct layer *layer = tor1_kind.make(keys, LAYER_CLIENT);
    struct tls *tls = session(&env, client, server);
    double cpu = now(CLOCK_THREAD_CPUTIME_ID), end = now(CLOCK_MONOTONIC) + s->seconds;
    while (now(CLOCK_MONOTONIC) < end)
        for (int i = 0; i < 64; i++, s->cells += TOGETHER)
            send_some(tls, echo, layer);
    s->cpu_s = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
    tls_free(tls);
    layer_free(layer);
    echo_free(echo);
    tls_ctx_free(client);
    tls_ctx_free(server);
    return NULL;
}

/* Cells a second of N threads, by the processor time that each got, and by the clock. */
static void run(unsigned n, double seconds, double *by_cpu, double *by_clock)
{
    struct sender s[MOST];
    *by_cpu = *by_clock = 0;
    for (unsigned i = 0; i < n; i++) {
        s[i] = (struct sender){.number = (uint16_t)i, .seconds = seconds};
        need(pthread_create(&s[i].id, NULL, work, &s[i]) == 0, "a thread");
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(s[i].id, NULL);
        *by_cpu += (double)s[i].cells / s[i].cpu_s;
        *by_clock += (double)s[i].cells / seconds;
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    unsigned most = argc > 2 ? (unsigned)atoi(argv[2]) : 2;
    double cpu[ROUNDS], clock_[ROUNDS], one = 0;
    need(seconds > 0 && most && most <= MOST, "reading the command line");
    need(crypto_init() == OK, "the crypto library");
    for (unsigned n = 1; n <= most; n *= 2) {
        for (int r = 0; r < ROUNDS; r++)
            run(n, seconds, &cpu[r], &clock_[r]);
        qsort(cpu, ROUNDS, sizeof *cpu, by_size);
        qsort(clock_, ROUNDS, sizeof *clock_, by_size);
        one = n == 1 ? cpu[ROUNDS / 2] : one;
        printf(
            "%u thread%s: %.2f million cells a second of processor time each had (%.2f times one "
            "thread's), %.2f Gbit/s; by the clock %.2f million, at best %.2f\n",
            n, n == 1 ? "" : "s", cpu[ROUNDS / 2] / 1e6, cpu[ROUNDS / 2] / one,
            cpu[ROUNDS / 2] * CHAN_CELL_MAX * 8 / 1e9, clock_[ROUNDS / 2] / 1e6,
            clock_[ROUNDS - 1] / 1e6);
    }
    return 0;
}
