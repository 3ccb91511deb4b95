/* A coordinator with more relays than an answer may wait for, asked through its socket. */
#include "app/measure/orders.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/tempdir.h"

enum { LISTED = 30000, MEASURED = 20000, SIZE = 64 << 10, MOST = 64 << 20 };

static struct {
    struct log log;
    struct net *net;
    struct mconf_coord conf;
    struct sha256 pin;
    struct listing *l;
    struct coordinator *c;
    struct orders *o;
    int fd;
    struct buf got;
    bool gone;
} t;

static void list(size_t n)
{
    struct router *relays = calloc(n, sizeof *relays);
    const struct consensus c = {.relays = relays, .n_relays = n, .valid_after_s = 1};
    ck_assert_ptr_nonnull(relays);
    for (size_t i = 0; i < n; i++) {
        relays[i].rsa.b[0] = (uint8_t)(i >> 8);
        relays[i].rsa.b[1] = (uint8_t)i;
        snprintf(relays[i].nickname, sizeof relays[i].nickname, "relay%u", (unsigned)i % LISTED);
    }
    ck_ok(listing_consensus(t.l, &c));
    free(relays);
}

static void recall(size_t n)
{
    char line[200];
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line,
                 "{\"t\":\"end\",\"id\":1,\"ts\":2,\"fp\":\"FF%038zX\",\"ok\":true,\"bw\":1}", i);
        ck_ok(coordinator_recall(t.c, text_of(line)));
    }
}

static void setup(size_t listed, size_t measured)
{
    static const struct coordinator_ops ops = {.keep = NULL};
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = (struct log){.least = LOG_ERR + 1};
    ck_ok(net_new(&t.log, NULL, &t.net));
    net_enter(t.net);
    t.l = listing_new(&t.pin);
    t.c = coordinator_new(net_env(t.net), &t.conf, NULL, &t.pin, &ops, NULL);
    ck_assert(t.l && t.c);
    coordinator_use(t.c, t.l);
    list(listed);
    recall(measured);
    const struct orders_of of = {.coordinator = t.c, .resultsdir = dir, .listing = t.l};
    ck_ok(orders_open(t.net, in_dir("ctl"), &of, &t.o));
    buf_init(&t.got, MOST);
    t.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    memcpy(to.sun_path, in_dir("ctl"), strlen(in_dir("ctl")));
    ck_assert_int_eq(connect(t.fd, (struct sockaddr *)&to, sizeof to), 0);
}

static void teardown(void)
{
    close(t.fd);
    orders_close(t.o);
    coordinator_free(t.c);
    listing_free(t.l);
    net_free(t.net);
    buf_free(&t.got);
    remove_dir();
}

static void order(const char *text)
{
    ck_assert_int_eq(write(t.fd, text, strlen(text)), (ssize_t)strlen(text));
}

static size_t count(const char *word)
{
    size_t n = 0, len = strlen(word);
    const char *at = (const char *)buf_at(&t.got), *end = at ? at + t.got.len : at;
    while (end > at && (at = memmem(at, (size_t)(end - at), word, len))) {
        n++;
        at += len;
    }
    return n;
}

static void turn(void)
{
    ck_ok(net_turn(t.net, false));
    uint8_t *room = buf_room(&t.got, SIZE);
    ssize_t n = read(t.fd, room, SIZE);
    if (n > 0)
        buf_commit(&t.got, (size_t)n);
    t.gone |= n == 0 || (n < 0 && errno != EAGAIN);
}

static void listen_to(size_t ends)
{
    while (!t.gone && count("{\"event\":\"end\"}\n") < ends)
        for (int i = 0; i < 200 && !t.gone; i++)
            turn();
}

START_TEST(test_orders_relays_of_a_large_network)
{
    setup(LISTED, MEASURED);
    order("{\"cmd\":\"relays\"}\n");
    listen_to(1);
    ck_assert(!t.gone);
    ck_assert_uint_eq(count("\"fp\":"), LISTED + MEASURED);
    ck_assert_uint_eq(count("\"nickname\":\"relay29999\""), 1);
    ck_assert_uint_gt(t.got.len, 8 << 20); /* than may wait for anybody */
    teardown();
}
END_TEST

/* Who asks for the same meanwhile is refused that, and what he had asked for goes on. */
START_TEST(test_orders_one_such_answer_at_a_time)
{
    setup(2000, 0);
    order("{\"cmd\":\"relays\"}\n{\"cmd\":\"schedule\",\"do\":\"show\"}\n{\"cmd\":\"status\"}\n");
    listen_to(3);
    ck_assert_uint_eq(count("what you asked for before is being told"), 1);
    ck_assert_uint_eq(count("\"nickname\":"), 2000);
    ck_assert_uint_eq(count("\"state\":\"READY\""), 1);
    order("{\"cmd\":\"schedule\",\"do\":\"show\"}\n");
    listen_to(4);
    ck_assert_uint_eq(count("\"event\":\"schedule\""), 1);
    teardown();
}
END_TEST

START_TEST(test_orders_who_goes_away_meanwhile)
{
    setup(LISTED, 0);
    order("{\"cmd\":\"relays\"}\n");
    for (int i = 0; i < 10; i++)
        ck_ok(net_turn(t.net, false));
    close(t.fd);
    for (int i = 0; i < 1000; i++)
        ck_ok(net_turn(t.net, false));
    t.fd = -1;
    teardown();
}
END_TEST

TESTS("app/measure/orders", test_orders_relays_of_a_large_network,
      test_orders_one_such_answer_at_a_time, test_orders_who_goes_away_meanwhile)
