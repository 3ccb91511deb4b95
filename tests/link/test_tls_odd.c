/* Each oddity between an odd client and a server, which has it too or refuses it. */
#include "link/tls_odd.h"

#include <string.h>

#include "support/test.h"

struct pair {
    struct env *env;
    struct tls_ctx *client_ctx, *server_ctx;
    struct tls *client, *server;
};

static void pair_new(struct pair *p, const struct tls_odd *client, const struct tls_odd *server)
{
    *p = (struct pair){.env = test_env(11)};
    int64_t now_s = env_wall_s(p->env);
    ck_ok(tls_odd_ctx_new(false, client, now_s, &p->client_ctx));
    if (server)
        ck_ok(tls_odd_ctx_new(true, server, now_s, &p->server_ctx));
    else
        ck_ok(tls_ctx_new_server(now_s, &p->server_ctx));
    p->client = tls_new(p->client_ctx, p->env);
    p->server = tls_new(p->server_ctx, p->env);
    ck_assert(p->client && p->server);
}

static void pair_free(struct pair *p)
{
    tls_free(p->client);
    tls_free(p->server);
    tls_ctx_free(p->client_ctx);
    tls_ctx_free(p->server_ctx);
    test_env_free(p->env);
}

static size_t move(struct tls *from, struct tls *to)
{
    size_t len, room;
    const uint8_t *at = tls_out(from, &len);
    uint8_t *in = tls_in_room(to, &room);
    if (!at || !in)
        return 0;
    len = len < room ? len : room;
    memcpy(in, at, len);
    tls_in_done(to, len);
    tls_out_sent(from, len);
    return len;
}

/* Until both are done or nothing moves; what became of the client's. The server reads as well: a
 * second handshake comes in what it reads. */
static err_t shake(struct pair *p)
{
    uint8_t byte[16];
    size_t n, moved = 1;
    err_t c = ERR_MORE, s = ERR_MORE;
    for (int idle = 0; idle < 2; idle = moved ? 0 : idle + 1) {
        if (c == ERR_MORE)
            c = tls_handshake(p->client);
        moved = move(p->client, p->server);
        if (s == ERR_MORE)
            s = tls_handshake(p->server);
        else if (s == OK && tls_read(p->server, byte, sizeof byte, &n) == OK)
            ck_abort_msg("nothing was written");
        moved += move(p->server, p->client);
    }
    return c == OK && s != OK ? s : c;
}

/* ---- versions and suites ---- */

START_TEST(test_tls_odd_usual_server_refuses)
{
    static const struct tls_odd odds[] = {
        {.least = TLS_ODD_1_1, .most = TLS_ODD_1_1, .ciphers = "ALL:@SECLEVEL=0"},
        {.most = TLS_ODD_1_2, .ciphers = "AES128-SHA:AES256-SHA"},
        {.most = TLS_ODD_1_2, .ciphers = "ECDHE-ECDSA-NULL-SHA:ECDHE-RSA-NULL-SHA"},
    };
    for (size_t i = 0; i < sizeof odds / sizeof *odds; i++) {
        struct pair p;
        pair_new(&p, &odds[i], NULL);
        ck_assert_int_ne(shake(&p), OK);
        pair_free(&p);
    }
}
END_TEST

START_TEST(test_tls_odd_odd_server_takes)
{
    static const struct {
        struct tls_odd client, server;
        const char *what;
    } rows[] = {
        {{.least = TLS_ODD_1_1, .most = TLS_ODD_1_1, .ciphers = "ALL:@SECLEVEL=0"},
         {.least = TLS_ODD_1_1},
         "TLSv1.1"},
        {{.most = TLS_ODD_1_2, .ciphers = "AES128-SHA"}, {.ciphers = "ALL"}, "TLSv1.2 AES128-SHA"},
        {{.most = TLS_ODD_1_2, .ciphers = "ECDHE-RSA-NULL-SHA"},
         {.ciphers = "ALL:eNULL"},
         "TLSv1.2 ECDHE-RSA-NULL-SHA"},
        {{.least = TLS_ODD_USUAL}, {.most = TLS_ODD_1_2}, "TLSv1.2"},
        {{.least = TLS_ODD_USUAL}, {.least = TLS_ODD_1_3}, "TLSv1.3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        struct pair p;
        pair_new(&p, &rows[i].client, &rows[i].server);
        ck_ok(shake(&p));
        tls_describe(p.client, text, sizeof text);
        ck_assert_msg(!strncmp(text, rows[i].what, strlen(rows[i].what)), "%s", text);
        pair_free(&p);
    }
}
END_TEST

/* ---- certificates ---- */

START_TEST(test_tls_odd_server_asks_for_a_cert)
{
    static const struct tls_odd usual = {.resumes = false}, asks = {.asks_cert = true};
    for (int i = 0; i < 2; i++) {
        struct pair p;
        pair_new(&p, &usual, i ? &asks : NULL);
        ck_ok(shake(&p));
        ck_assert_int_eq(tls_odd_cert_asked(p.client), i);
        pair_free(&p);
    }
}
END_TEST

START_TEST(test_tls_odd_facts_of_each_cert)
{
    static const struct tls_odd usual = {.resumes = false};
    static const struct {
        enum tls_odd_cert cert;
        struct tls_odd_facts want;
    } rows[] = {
        {TLS_ODD_CERT_RSA, {true, true, 2048, true, 1}},
        {TLS_ODD_CERT_OLD, {false, true, 2048, true, 1}},
        {TLS_ODD_CERT_SMALL, {true, true, 1024, true, 1}},
        {TLS_ODD_CERT_CHAIN, {true, true, 2048, true, 2}},
        {TLS_ODD_CERT_V2, {true, true, 1024, false, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct tls_odd odd = {.cert = rows[i].cert};
        struct tls_odd_facts f;
        struct pair p;
        pair_new(&p, &usual, &odd);
        ck_assert(!tls_odd_facts(p.client, env_wall_s(p.env), &f));
        ck_ok(shake(&p));
        ck_assert(tls_odd_facts(p.client, env_wall_s(p.env), &f));
        ck_assert_int_eq(f.in_date, rows[i].want.in_date);
        ck_assert_int_eq(f.rsa, rows[i].want.rsa);
        ck_assert_uint_eq(f.bits, rows[i].want.bits);
        ck_assert_int_eq(f.v3, rows[i].want.v3);
        ck_assert_uint_eq(f.n_certs, rows[i].want.n_certs);
        pair_free(&p);
    }
}
END_TEST

/* ---- sessions ---- */

static bool resumes(enum tls_odd_version version, const struct tls_odd *server)
{
    const struct tls_odd client = {.least = version, .most = version, .resumes = true};
    uint8_t byte[16];
    size_t n;
    struct pair p;
    pair_new(&p, &client, server);
    ck_ok(shake(&p));
    while (move(p.server, p.client) || tls_read(p.client, byte, sizeof byte, &n) == OK)
        continue; /* tickets */
    struct tls *first = p.client;
    tls_free(p.server);
    p.client = tls_new(p.client_ctx, p.env);
    p.server = tls_new(p.server_ctx, p.env);
    ck_assert(p.client && p.server && tls_odd_resume(p.client, first));
    ck_ok(shake(&p));
    bool resumed = tls_odd_resumed(p.client);
    tls_free(first);
    pair_free(&p);
    return resumed;
}

START_TEST(test_tls_odd_resumes_where_it_may)
{
    static const struct tls_odd odd = {.resumes = true};
    ck_assert(resumes(TLS_ODD_1_2, &odd));
    ck_assert(resumes(TLS_ODD_1_3, &odd));
    ck_assert(!resumes(TLS_ODD_1_2, NULL));
    ck_assert(!resumes(TLS_ODD_1_3, NULL));
}
END_TEST

START_TEST(test_tls_odd_renegotiates_where_it_may)
{
    static const struct tls_odd client = {.most = TLS_ODD_1_2, .renegotiates = true},
                                server = {.renegotiates = true};
    for (int i = 0; i < 2; i++) {
        struct pair p;
        pair_new(&p, &client, i ? &server : NULL);
        ck_ok(shake(&p));
        ck_assert(tls_odd_renegotiate(p.client));
        ck_assert_int_eq(shake(&p) == OK, i);
        pair_free(&p);
    }
}
END_TEST

TESTS("link/tls_odd", test_tls_odd_usual_server_refuses, test_tls_odd_odd_server_takes,
      test_tls_odd_server_asks_for_a_cert, test_tls_odd_facts_of_each_cert,
      test_tls_odd_resumes_where_it_may, test_tls_odd_renegotiates_where_it_may)
