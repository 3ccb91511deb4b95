/* Memory runs out around a coordinator, libevent's too: in what looks after its files, follows the
 * network's documents, gives its schedule the relays, serves its figures and takes its orders, at
 * each of their allocations in turn. Each says that it has none, or does its work, then or at its
 * next look; nothing crashes or leaks. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/measure/figures.h"
#include "app/measure/orders.h"
#include "app/measure/planside.h"
#include "app/measure/relaysource.h"
#include "app/measure/upkeep.h"
#include "crypto/encode.h"
#include "measure/listing.h"
#include "net/sockaddr.h"
#include "support/docnet.h"
#include "support/nomem.h"
#include "support/tempdir.h"

enum { TURNS = 200, PORT = 19099, ANSWER_MOST = 200000, EACH = 60 };

static struct {
    struct log log;
    struct docnet *docs;
    struct net *net;
    struct mconf_coord conf;
    struct sha256 pin;
    struct listing *listing;
    struct coordinator *coordinator;
    unsigned upkept, events;
    char answer[ANSWER_MOST];
    size_t n_answer;
} t;

/* ---- what there is ---- */

static void put(const char *name, struct text text)
{
    FILE *f = fopen(in_dir(name), "w");
    ck_assert_uint_eq(fwrite(text.s, 1, text.len, f), text.len);
    ck_assert_int_eq(fclose(f), 0);
}

static void put_documents(void)
{
    put("cached-certs", netdocs_key_certs(t.docs->docs));
    put("cached-microdesc-consensus",
        netdocs_consensus(t.docs->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    put("cached-descriptors", netdocs_all_descriptors(t.docs->docs));
}

/* Whose network it is. */
static void put_torrc(void)
{
    char torrc[4000] = "";
    for (size_t i = 0; i < t.docs->plan.n_authorities; i++) {
        char v3[41], fp[41];
        snprintf(torrc + strlen(torrc), sizeof torrc - strlen(torrc),
                 "DirAuthority a%zu orport=%u v3ident=%s 127.0.0.1:%u %s\n", i, 5000 + (unsigned)i,
                 hex_upper(t.docs->auths[i].b, 20, v3), 6000 + (unsigned)i,
                 hex_upper(t.docs->id[i].rsa_id.b, 20, fp));
    }
    put("torrc", text_of(torrc));
}

/* As docnet_usual(), of today: what is made with the net has the system's clock. */
static struct docnet *docs_of_today(void)
{
    const struct plan_wish wish = {.authorities = 3, .relays = 8, .exits = 2, .base_port = 9001};
    struct docnet *d = calloc(1, sizeof *d);
    char why[PLAN_WHY_MAX];
    d->env = test_env(5);
    d->env->wall_us = (int64_t)time(NULL) * US_PER_SEC;
    ck_ok(plan_make(&wish, &d->plan, why));
    for (size_t i = 0; i < d->plan.n_nodes; i++)
        ck_ok(identity_make(d->env, &d->id[i]));
    ck_ok(netdocs_new(d->env, &d->plan, d->id, &d->docs));
    docnet_take_certs(d);
    ck_ok(netdocs_publish(d->docs));
    return d;
}

static void set_up(void)
{
    static const struct coordinator_ops ops = {.keep = NULL};
    memset(&t, 0, sizeof t);
    new_dir();
    t.log = (struct log){.least = LOG_ERR + 1};
    t.docs = docs_of_today();
    put_documents();
    put_torrc();
    put("opted-in",
        TEXT_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@203.0.113.7:9001 echo2 5MB\n"));
    put("secret", TEXT_LIT("0123456789abcdef0123456789abcdef\n"));
    ck_assert_int_eq(chmod(in_dir("secret"), 0600), 0);
    ck_assert_int_eq(mkdir(in_dir("results"), 0700), 0);
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, __wrap_free);
    json_set_alloc_funcs(__wrap_malloc, __wrap_free);
    ck_ok(net_new(&t.log, NULL, &t.net));
    net_enter(t.net);
    snprintf(t.conf.datadir, sizeof t.conf.datadir, "%s", in_dir(""));
    snprintf(t.conf.relays, sizeof t.conf.relays, "%s", in_dir("opted-in"));
    snprintf(t.conf.secret, sizeof t.conf.secret, "%s", in_dir("secret"));
    snprintf(t.conf.resultsdir, sizeof t.conf.resultsdir, "%s", in_dir("results"));
    snprintf(t.conf.directory, sizeof t.conf.directory, "none");
    t.conf.metrics =
        (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, 1}), (uint16_t)(PORT + getpid() % 9000)};
    t.listing = listing_new(&t.pin);
    t.coordinator = coordinator_new(net_env(t.net), &t.conf, NULL, &t.pin, &ops, NULL);
    ck_assert(t.listing && t.coordinator);
    coordinator_use(t.coordinator, t.listing);
    struct consensus *c;
    ck_ok(consensus_parse_kind(netdocs_consensus(t.docs->docs, CONSDOC_MICRODESC, NETDOCS_HONEST),
                               CONSENSUS_MICRODESC, &c));
    ck_ok(listing_consensus(t.listing, c));
    consensus_free(&c);
}

static void tear_down(void)
{
    coordinator_free(t.coordinator);
    listing_free(t.listing);
    net_free(t.net);
    docnet_free(t.docs);
    remove_dir();
}

static void turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (net_turn(t.net, false) != OK)
            return;
}

/* ---- sweeps ---- */

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* ONCE tells whether all went well. */
static void sweep_by(bool (*once)(uint64_t k), unsigned least, uint64_t stride)
{
    uint64_t points = 0;
    set_up();
    for (int i = 0; i < 2; i++) { /* with all that is made once */
        nomem_begin(0, 1);
        net_enter(t.net);
        ck_assert(once(0));
    }
    for (uint64_t k = number("FROM", 1);; k += k < EACH ? 1 : number("STRIDE", stride), points++) {
        int64_t live = nomem.live;
        nomem_begin(k, 1);
        net_enter(t.net);
        bool all = once(k);
        ck_assert_msg(all || nomem.failed, "%llu", (unsigned long long)k);
        ck_assert_msg(nomem.live == live, "%llu: %lld allocations are left", (unsigned long long)k,
                      (long long)(nomem.live - live));
        if (!nomem.failed)
            break;
    }
    fprintf(stderr, "%llu points\n", (unsigned long long)points);
    ck_assert_uint_ge(points, least);
    tear_down();
}

static void sweep(bool (*once)(uint64_t k), unsigned least)
{
    sweep_by(once, least, 1);
}

static void is_told(err_t e, uint64_t k)
{
    ck_assert_msg(e == OK || e == ERR_NOMEM, "%llu: %s", (unsigned long long)k, err_name(e));
}

/* ---- the schedule's relays ---- */

static bool planside_once(uint64_t k)
{
    struct planside *p = NULL;
    const struct planside_config config = {.net = t.net,
                                           .log = &t.log,
                                           .coordinator = t.coordinator,
                                           .listing = t.listing,
                                           .conf = &t.conf};
    nomem_in();
    err_t checked = planside_check(&t.log, &t.conf);
    err_t e = planside_open(&config, &p);
    err_t kept = OK, begun = OK;
    if (e == OK) {
        kept = planside_keep(p, "{}\n", true);
        begun = planside_begin(p);
        turns(3);
        planside_reload(p, &t.conf);
    }
    planside_close(p);
    (void)nomem_out();
    is_told(checked, k);
    is_told(e, k);
    is_told(begun, k);
    return checked == OK && e == OK && begun == OK && kept == OK;
}

START_TEST(test_nomem_planside)
{
    sweep(planside_once, 10);
}
END_TEST

/* ---- the network's documents ---- */

/* Of the folder of this test, if DIRECTORY is NULL. */
static struct relaysource_config source_of(struct listing *l, const char *directory)
{
    static char folder[128], torrc[128];
    snprintf(folder, sizeof folder, "%s", in_dir(""));
    snprintf(torrc, sizeof torrc, "%s", in_dir("torrc"));
    return (struct relaysource_config){.net = t.net,
                                       .log = &t.log,
                                       .listing = l,
                                       .directory = directory ? directory : folder,
                                       .torrc = torrc,
                                       .datadir = folder};
}

static bool relaysource_once(uint64_t k)
{
    struct relaysource *r = NULL;
    struct env *env = net_env(t.net);
    struct listing *l = listing_new(&t.pin);
    const struct relaysource_config config = source_of(l, NULL);
    nomem_in();
    err_t checked = relaysource_check(&config);
    err_t e = relaysource_open(&config, &r);
    for (unsigned i = 0; e == OK && i < 50; i++) { /* descriptors are read a few at a time */
        turns(1);
        (void)usleep(500);
    }
    relaysource_close(r);
    (void)nomem_out();
    is_told(checked, k);
    is_told(e, k);
    bool all = checked == OK && e == OK && listing_n(l) == t.docs->plan.n_nodes &&
               listing_n_described(l, env_wall_s(env)) == listing_n(l);
    listing_free(l);
    return all;
}

START_TEST(test_nomem_relaysource)
{
    sweep(relaysource_once, 10);
}
END_TEST

/* A client of our own begins, and ends before anybody has answered it. Its options may be told as
 * wrong ones, where there was no memory to compare them with others. */
static bool relayfetch_once(uint64_t k)
{
    struct relaysource *r = NULL;
    const struct relaysource_config config = source_of(t.listing, "fetch");
    nomem_in();
    err_t e = relaysource_open(&config, &r);
    if (e == OK)
        turns(3);
    relaysource_close(r);
    (void)nomem_out();
    ck_assert_msg(e != ERR_STATE, "%llu: the folder stays locked", (unsigned long long)k);
    return e == OK;
}

START_TEST(test_nomem_relayfetch)
{
    sweep_by(relayfetch_once, 10, 29);
}
END_TEST

/* ---- the files' upkeep ---- */

static void upkept(void *arg, unsigned nth, const char *json)
{
    (void)arg, (void)nth;
    NOMEM_PEACE(ck_assert_ptr_nonnull(json));
    t.upkept++;
}

static bool upkeep_once(uint64_t k)
{
    const struct upkeep_ops ops = {upkept, NULL};
    t.upkept = 0;
    snprintf(t.conf.v3bw.path, sizeof t.conf.v3bw.path, "%s", in_dir("v3bw"));
    nomem_in();
    struct upkeep *u = upkeep_new(t.net, &t.conf, t.listing, &ops);
    unsigned asked = u ? upkeep_ask(u) : 0;
    for (unsigned i = 0; asked && !t.upkept && i < TURNS; i++)
        if (net_turn(t.net, true) != OK)
            break;
    (void)nomem_out();
    ck_assert_msg(!asked || t.upkept == 1, "%llu: nobody was told", (unsigned long long)k);
    upkeep_free(u);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    return asked > 0;
}

START_TEST(test_nomem_upkeep)
{
    sweep(upkeep_once, 3);
}
END_TEST

/* ---- somebody asks ---- */

/* What comes to FD until it is closed, or to its UNTIL. */
static void talk(int fd, const char *ask, const char *until)
{
    bool was = nomem.in;
    t.n_answer = 0;
    (void)!write(fd, ask, strlen(ask));
    for (unsigned i = 0; i < TURNS; i++) {
        struct pollfd p = {fd, POLLIN, 0};
        nomem.in = was;
        turns(2);
        nomem.in = false;
        if (poll(&p, 1, 1) != 1)
            continue;
        ssize_t n = read(fd, t.answer + t.n_answer, sizeof t.answer - 1 - t.n_answer);
        if (n <= 0)
            break;
        t.n_answer += (size_t)n;
        t.answer[t.n_answer] = 0;
        if (until && strstr(t.answer, until))
            break;
    }
    t.answer[t.n_answer] = 0;
    nomem.in = was;
}

static int connected(const struct sockaddr *to, socklen_t len)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, to, len), 0);
    return fd;
}

/* The talk is taken off the list, too, before anything is counted. */
static void hang_up(int fd)
{
    close(fd);
    turns(5);
}

static bool figures_once(uint64_t k)
{
    struct figures *f = NULL;
    char why[MCONF_WHY];
    const struct upkeep_ops ops = {upkept, NULL};
    struct upkeep *u = upkeep_new(t.net, &t.conf, t.listing, &ops);
    const struct figures_of of = {t.coordinator, u, &t.conf};
    bool whole = false;
    nomem_in();
    err_t checked = figures_check(&t.conf, why);
    err_t e = figures_open(t.net, &of, &f);
    (void)nomem_out();
    if (e == OK) {
        struct sockaddr_storage to;
        socklen_t len = sockaddr_of(&t.conf.metrics, &to);
        int fd = connected((const struct sockaddr *)&to, len);
        nomem_in();
        talk(fd, "GET /metrics HTTP/1.0\r\n\r\n", NULL);
        (void)nomem_out();
        hang_up(fd);
        whole = strstr(t.answer, "200 OK") && strstr(t.answer, "tunic_measure_files_failed_total");
        ck_assert_msg(whole || !strstr(t.answer, "200 OK"), "%llu: %s", (unsigned long long)k,
                      t.answer);
    }
    figures_close(f);
    upkeep_free(u);
    ck_assert(checked == OK || checked == ERR_NOMEM);
    ck_assert(e == OK || e == ERR_NOMEM || e == ERR_IO);
    return checked == OK && whole;
}

START_TEST(test_nomem_figures)
{
    sweep(figures_once, 10);
}
END_TEST

/* ---- orders ---- */

static void be_shut(void *arg)
{
    (void)arg;
}

static unsigned no_bwfile(void *arg)
{
    (void)arg;
    return 0;
}

/* Each line is JSON. */
static void judge_answers(uint64_t k)
{
    struct text rest = {t.answer, t.n_answer}, line;
    json_error_t error;
    while (text_line(&rest, &line)) {
        json_t *o = json_loadb(line.s, line.len, 0, &error);
        ck_assert_msg(o || !rest.len, "%llu: %.*s", (unsigned long long)k, TEXT_ARG(line));
        json_decref(o);
    }
}

static bool orders_once(uint64_t k)
{
    static const char *const asked[] = {
        "{\"cmd\":\"status\"}\n",   "{\"cmd\":\"relays\"}\n",
        "{\"cmd\":\"schedule\"}\n", "{\"cmd\":\"results\",\"relay\":\"127.0.0.1:1\"}\n",
        "{\"cmd\":\"bwfile\"}\n",   "{\"cmd\":\"cancel\",\"id\":7}\n"};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct orders *o = NULL;
    const struct orders_of of = {.coordinator = t.coordinator,
                                 .resultsdir = t.conf.resultsdir,
                                 .shutdown = be_shut,
                                 .bwfile = no_bwfile};
    bool all = true;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/ctl", dir);
    nomem_in();
    err_t e = orders_open(t.net, at.sun_path, &of, &o);
    (void)nomem_out();
    ck_assert(e == OK || e == ERR_NOMEM || e == ERR_IO);
    for (size_t i = 0; e == OK && i < sizeof asked / sizeof *asked; i++) {
        int fd = connected((const struct sockaddr *)&at, sizeof at);
        nomem_in();
        talk(fd, asked[i], "\"end\"");
        (void)nomem_out();
        hang_up(fd);
        judge_answers(k);
        all &= strstr(t.answer, "\"end\"") && !strstr(t.answer, "out of memory");
    }
    orders_close(o);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    return e == OK && all;
}

START_TEST(test_nomem_orders)
{
    sweep(orders_once, 20);
}
END_TEST

TESTS("app/nomem_coordside", test_nomem_planside, test_nomem_relaysource, test_nomem_relayfetch,
      test_nomem_upkeep, test_nomem_figures, test_nomem_orders)
