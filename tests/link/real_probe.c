/* Development tool: shakes hands with a real relay over a blocking socket on loopback, keeps the
 * link for a moment, closes it. Not a test of its own and not installed; see docs/link.md.
 *
 *   real_probe 127.0.0.1:PORT RSA-FINGERPRINT-HEX [SECONDS [relay | forged]]
 *   real_probe listen 127.0.0.1 SECONDS
 *
 * relay: proves to be a relay, of keys made on the spot. forged: does so with another key than its
 * certificates say. listen: is a relay to whoever comes, one after another, and says who that is.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cell/chan.h"
#include "crypto/encode.h"
#include "crypto/rsa_key.h"
#include "crypto/secret.h"
#include "link/certs_make.h"
#include "link/identity.h"
#include "link/link.h"
#include "link/tls.h"

struct probe {
    struct env env;
    struct log log;
    struct link *link;
    struct link_circ circ;
    bool closed, opened, created;
};

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    fprintf(stderr, "[%s] %s\n", log_level_name(level), line);
}

static void set_clocks(struct env *env)
{
    struct timespec mono, wall;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    env->mono_us = (uint64_t)mono.tv_sec * US_PER_SEC + (uint64_t)mono.tv_nsec / 1000;
    env->wall_us = wall.tv_sec * (int64_t)US_PER_SEC + wall.tv_nsec / 1000;
}

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct probe *p = arg;
    (void)body;
    printf("circuit: %s\n", chan_cmd_name(cmd));
    p->created = cmd == CELL_CREATED_FAST;
}

static void on_destroy(void *arg, uint8_t reason)
{
    (void)arg;
    printf("circuit: DESTROY %u\n", reason);
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    (void)arg;
    printf("circuit: link closed: %s\n", end->text);
}

static void on_writable(void *arg)
{
    (void)arg;
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

static void on_open(void *arg)
{
    struct probe *p = arg;
    char hex[HEX_SIZE(32)];
    p->opened = true;
    printf("open: version %u\n", link_version(p->link));
    printf("rsa %s\n", hex_upper(link_peer_rsa(p->link)->b, 20, hex));
    printf("ed  %s\n", hex_upper(link_peer_ed(p->link)->b, 32, hex));
    p->circ.ops = &circ_ops;
    p->circ.arg = p;
    if (link_circ_open(p->link, &p->circ) != OK)
        return;
    uint8_t *body = link_cell(&p->circ, CELL_CREATE_FAST, LINK_URGENT);
    if (!body)
        return;
    memset(body, 0, CELL_BODY_LEN);
    env_random(&p->env, body, 20);
    link_cell_commit(&p->circ);
}

static void on_end(void *arg, const struct link_end *end)
{
    struct probe *p = arg;
    p->closed = true;
    printf("closed: %s %s: %s\n", err_name(end->why), or_reason_name(end->reason), end->text);
}

static void on_output(void *arg)
{
    (void)arg;
}

static void on_clock_skew(void *arg, int64_t skew_s)
{
    (void)arg;
    printf("skew %lld s\n", (long long)skew_s);
}

static const struct link_ops ops = {
    .on_open = on_open, .on_end = on_end, .on_output = on_output, .on_clock_skew = on_clock_skew};

static void flush(struct link *l, int fd)
{
    size_t len;
    const uint8_t *bytes;
    while ((bytes = link_seal(l, &len))) {
        ssize_t sent = write(fd, bytes, len);
        if (sent <= 0)
            return;
        link_sent(l, (size_t)sent);
    }
}

static void run(struct probe *p, int fd, int seconds)
{
    time_t end = time(NULL) + seconds;
    while (!p->closed && time(NULL) < end) {
        size_t room;
        flush(p->link, fd);
        uint8_t *at = link_in_room(p->link, &room);
        ssize_t got = at ? read(fd, at, room) : -1;
        set_clocks(&p->env);
        if (got > 0)
            link_in_done(p->link, (size_t)got);
        else if (got == 0)
            link_tcp_failed(p->link, 0);
        env_run_timers(&p->env);
    }
    link_circ_close(&p->circ, true, 0);
    link_close(p->link, OK, OR_DONE, "probe is done");
    flush(p->link, fd);
    env_run_timers(&p->env);
}

/* How is "relay" or "forged". */
static err_t make_identity(struct probe *p, const char *how, struct link_identity *id)
{
    char hex[HEX_SIZE(32)];
    struct rsa_key *rsa;
    struct ed_secret ed;
    ed25519_keypair(&p->env, &ed);
    TRY(rsa_key_generate(RSA_ID_BITS, &rsa));
    err_t e = link_identity_make(&p->env, rsa, &ed, id);
    rsa_key_free(rsa);
    printf("we are %s\n", hex_upper(id->rsa.b, sizeof id->rsa.b, hex));
    if (strcmp(how, "forged") == 0)
        ed25519_keypair(&p->env, &id->auth);
    return e;
}

/* ---- as a relay ---- */

struct face {
    struct link_server server;
    struct chan_certs certs;
    uint8_t storage[2048];
};

static err_t make_face(struct env *env, const struct tls_ctx *tls, struct face *f)
{
    char hex[HEX_SIZE(32)];
    struct rsa_key *rsa;
    struct ed_secret ed, signing;
    struct rsa_id rsa_id;
    struct sha256 tls_cert;
    struct wr w = wr_over(f->storage, sizeof f->storage);
    int64_t now_s = env_wall_s(env);
    struct ed_cert of_signing = {.type = CERT_IDENTITY_V_SIGNING,
                                 .key_type = CERT_KEY_ED25519,
                                 .expires_h = (uint32_t)(now_s / 3600 + 24),
                                 .has_signer = true};
    struct ed_cert of_tls = of_signing;
    ed25519_keypair(env, &ed);
    ed25519_keypair(env, &signing);
    tls_ctx_cert_sha256(tls, &tls_cert);
    of_tls.type = CERT_SIGNING_V_TLS_CERT;
    of_tls.key_type = CERT_KEY_X509_SHA256;
    of_tls.has_signer = false;
    memcpy(of_signing.key, signing.pub.b, sizeof of_signing.key);
    memcpy(of_tls.key, tls_cert.b, sizeof of_tls.key);
    TRY(rsa_key_generate(RSA_ID_BITS, &rsa));
    rsa_pub_id(rsa_key_public(rsa), &rsa_id);
    TRY(certs_make_rsa_id(&f->certs, &w, rsa, now_s - 86400, now_s + 30 * 86400));
    TRY(certs_make_ed(&f->certs, &w, &of_signing, &ed));
    TRY(certs_make_ed(&f->certs, &w, &of_tls, &signing));
    TRY(certs_make_cross(&f->certs, &w, rsa, &ed.pub, of_signing.expires_h));
    rsa_key_free(rsa);
    f->server.certs = &f->certs;
    printf("rsa %s\n", hex_upper(rsa_id.b, sizeof rsa_id.b, hex));
    printf("ed %s\n", hex_upper(ed.pub.b, sizeof ed.pub.b, hex));
    return OK;
}

/* tor warns of a TLS key that is not RSA. */
static err_t make_tls(const struct env *env, struct tls_ctx **out)
{
    uint8_t cert[1024], key[2048];
    struct wr c = wr_over(cert, sizeof cert), k = wr_over(key, sizeof key);
    struct rsa_key *rsa;
    int64_t now_s = env_wall_s(env);
    TRY(rsa_key_generate(2048, &rsa));
    err_t e = rsa_id_cert_make(rsa, now_s - 86400, now_s + 86400, &c);
    if (e == OK)
        e = rsa_key_to_der(rsa, &k);
    rsa_key_free(rsa);
    return e == OK ? tls_ctx_new_server_with(cert, c.len, key, k.len, out) : e;
}

static void on_guest(void *arg)
{
    struct probe *p = arg;
    char rsa[HEX_SIZE(20)], ed[HEX_SIZE(32)];
    printf("guest %s %s\n", hex_upper(link_peer_rsa(p->link)->b, 20, rsa),
           hex_upper(link_peer_ed(p->link)->b, 32, ed));
}

static const struct link_ops host_ops = {
    .on_open = on_guest, .on_end = on_end, .on_output = on_output, .on_clock_skew = on_clock_skew};

static int listen_at(const char *address, struct in_addr *at)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, address, &here.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&here, sizeof here) || listen(fd, 4) ||
        getsockname(fd, (struct sockaddr *)&here, &len))
        return perror("listen"), -1;
    *at = here.sin_addr;
    printf("port %u\n", ntohs(here.sin_port));
    return fd;
}

static int be_a_relay(struct probe *p, const char *address, int seconds)
{
    static struct face face;
    struct link_config config = {.connect_timeout_ms = 5000, .handshake_timeout_ms = 5000};
    struct in_addr at;
    time_t end = time(NULL) + seconds;
    int fd = listen_at(address, &at);
    if (fd < 0 || make_tls(&p->env, &config.tls) != OK ||
        make_face(&p->env, config.tls, &face) != OK)
        return 1;
    const struct ipport guest = {.ip = ip_v4((const uint8_t *)&at)};
    face.server.mine = guest.ip;
    struct timeval wait = {.tv_usec = 100000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    while (time(NULL) < end) {
        int one = accept(fd, NULL, NULL);
        set_clocks(&p->env);
        if (one < 0)
            continue;
        setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        p->closed = false;
        p->link = link_new_server(&p->env, &config, &face.server, &guest, &host_ops, p);
        run(p, one, (int)(end - time(NULL)));
        link_free(p->link);
        close(one);
    }
    tls_ctx_free(config.tls);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    static struct probe p;
    static struct link_identity id;
    struct link_target target = {.has_rsa = true};
    bool listens = argc == 4 && strcmp(argv[1], "listen") == 0;
    if (!listens &&
        (argc < 3 || ipport_parse(argv[1], &target.reach.addr) != OK ||
         hex_decode_exact(text_of(argv[2]), target.rsa.b, 20) != OK ||
         !ip_is_loopback(&target.reach.addr.ip) || target.reach.addr.ip.family != IP_V4))
        return fprintf(stderr,
                       "real_probe 127.0.0.1:PORT FINGERPRINT [SECONDS [relay | forged]]\n"),
               2;
    if (crypto_init() != OK)
        return 1;
    p.log = (struct log){.least = LOG_DEBUG, .sink = sink};
    p.env = (struct env){.random = crypto_random, .log = &p.log};
    set_clocks(&p.env);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (listens)
        return be_a_relay(&p, argv[2], atoi(argv[3]));
    struct link_config config = {.connect_timeout_ms = 5000,
                                 .handshake_timeout_ms = 5000,
                                 .nf_ito_low_ms = 1500,
                                 .nf_ito_high_ms = 9500};
    if (tls_ctx_new_client(&config.tls) != OK)
        return 1;
    if (argc > 4) {
        if (make_identity(&p, argv[4], &id) != OK)
            return 1;
        config.identity = &id;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(target.reach.addr.port)};
    memcpy(&to.sin_addr, target.reach.addr.ip.b, 4);
    struct timeval wait = {.tv_usec = 100000};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (connect(fd, (struct sockaddr *)&to, sizeof to))
        return perror("connect"), 1;
    p.link = link_new(&p.env, &config, &target, &ops, &p);
    link_tcp_open(p.link);
    run(&p, fd, argc > 3 ? atoi(argv[3]) : 2);
    link_free(p.link);
    tls_ctx_free(config.tls);
    close(fd);
    return p.opened && p.created ? 0 : 1;
}
