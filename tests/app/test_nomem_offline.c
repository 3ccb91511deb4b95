/* Memory runs out in what `tunic measure` makes of files alone: results that are read, compressed
 * and removed, a bandwidth file, reports, what a user's own runs are remembered by; at each of
 * their allocations in turn. Whatever is made is whole, or the error is told; no result is lost,
 * and nothing crashes or leaks. zlib's and jansson's memory is not among it. */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "app/measure/bwmake.h"
#include "app/measure/pages.h"
#include "app/measure/past.h"
#include "app/measure/report.h"
#include "app/measure/resultsfile.h"
#include "crypto/encode.h"
#include "dir/decompress.h"
#include "support/docnet.h"
#include "support/nomem.h"
#include "support/tempdir.h"
#include "testnet/compress.h"

#define DAY (24 * 3600)

enum { TEXT_MOST = 400000 };

static struct {
    struct log log;
    struct docnet *net;
    int64_t now_s;
    char results[128], data[128], out[128], link[160];
    struct text wanted; /* what is made in peace */
    char seen[TEXT_MOST];
    size_t n_seen;
} t;

/* ---- files ---- */

static void put(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "w");
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void see(struct text text)
{
    ck_assert_uint_lt(t.n_seen + text.len, TEXT_MOST);
    memcpy(t.seen + t.n_seen, text.s, text.len);
    t.n_seen += text.len;
}

static void see_file(const char *path)
{
    static char bytes[TEXT_MOST];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    see((struct text){bytes, fread(bytes, 1, sizeof bytes, f)});
    ck_assert_int_eq(fclose(f), 0);
}

/* All files of FOLDER, which go. */
static void see_folder(const char *folder)
{
    struct dirent **names;
    char path[512];
    int n = scandir(folder, &names, NULL, alphasort);
    ck_assert_int_ge(n, 0);
    for (int i = 0; i < n; i++) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
            see_file(path);
        if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
            ck_assert_int_eq(unlink(path), 0);
        free(names[i]);
    }
    free(names);
}

/* ---- what there is ---- */

static char *line(char out[400], int64_t age_s, const char *fp, unsigned mbit)
{
    snprintf(out, 400,
             "{\"t\":\"end\",\"id\":%u,\"ts\":%lld,\"began\":1,\"ok\":true,\"bw\":%u,\"fp\":\"%s\"}"
             "\n",
             (unsigned)age_s, (long long)(t.now_s - age_s), mbit * 125000, fp);
    return out;
}

static char *day_of(char out[160], int64_t age_s, bool packed)
{
    char name[RESULTS_NAME_MAX];
    int64_t at_s = t.now_s - age_s;
    snprintf(out, 160, "%s/%s", t.results,
             packed ? results_file_packed(at_s, name) : results_file(at_s, name));
    return out;
}

/* One of three days ago that is compressed, one of two that should be, one of today. */
static void put_results(void)
{
    char path[160], text[400], fp[2][41];
    struct buf b;
    for (size_t i = 0; i < 2; i++)
        hex_upper(t.net->id[4 + i].rsa_id.b, 20, fp[i]);
    buf_init(&b, 1 << 20);
    line(text, 3 * DAY, fp[0], 8);
    ck_ok(compress_all(ENC_GZIP, text, strlen(text), &b));
    put(day_of(path, 3 * DAY, true), buf_at(&b), b.len);
    buf_free(&b);
    put(day_of(path, 2 * DAY, false), text, strlen(line(text, 2 * DAY, fp[1], 16)));
    put(day_of(path, 60, false), text, strlen(line(text, 60, fp[0], 9)));
}

static void put_text(const char *name, struct text text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", t.data, name);
    put(path, text.s, text.len);
}

static void sink(void *arg, enum log_level level, const char *said)
{
    (void)arg, (void)level, (void)said;
}

static const char *folder(char out[128], const char *name)
{
    snprintf(out, 128, "%s", in_dir(name));
    ck_assert_int_eq(mkdir(out, 0700), 0);
    return out;
}

static void set_up(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_NOTICE, .sink = sink};
    t.net = docnet_usual(5);
    t.now_s = env_wall_s(t.net->env);
    new_dir();
    folder(t.results, "results");
    folder(t.data, "data");
    folder(t.out, "out");
    snprintf(t.link, sizeof t.link, "%s/v3bw", t.out);
    put_results();
    put_text("cached-microdesc-consensus",
             netdocs_consensus(t.net->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    put_text("cached-descriptors", netdocs_all_descriptors(t.net->docs));
    put_text("v3-status-votes", netdocs_vote(t.net->docs, t.net->auths[0].b));
}

static void tear_down(void)
{
    docnet_free(t.net);
    free((char *)(uintptr_t)t.wanted.s);
    remove_dir();
}

/* ---- sweeps ---- */

/* What was made is as in peace. */
static void assert_whole(uint64_t k)
{
    if (!t.wanted.s)
        t.wanted = (struct text){text_dup((struct text){t.seen, t.n_seen}), t.n_seen};
    ck_assert_msg(t.n_seen == t.wanted.len && memcmp(t.seen, t.wanted.s, t.n_seen) == 0,
                  "%llu: what was made is not whole: %.*s", (unsigned long long)k,
                  t.n_seen < 3000 ? (int)t.n_seen : 3000, t.seen);
}

/* jansson's, some of which we free. */
static void *counted(size_t size)
{
    return wrapped_counted(__real_malloc(size));
}

/* ONCE tells whether all went well. The first time it does, in peace. */
static void sweep(bool (*once)(uint64_t k), unsigned least)
{
    uint64_t k = 0, points = 0;
    json_set_alloc_funcs(counted, __wrap_free);
    set_up();
    nomem_begin(0, 1);
    for (int i = 0; i < 2; i++) { /* with all that is made once */
        t.n_seen = 0;
        ck_assert(once(0));
    }
    do {
        nomem_begin(++k, 1);
        t.n_seen = 0;
        int64_t live = nomem.live;
        bool all = once(k);
        ck_assert_msg(all || nomem.failed, "%llu", (unsigned long long)k);
        ck_assert_msg(nomem.live == live, "%llu: %lld allocations are left", (unsigned long long)k,
                      (long long)(nomem.live - live));
        points++;
    } while (nomem.failed);
    fprintf(stderr, "%llu points\n", (unsigned long long)points);
    ck_assert_uint_gt(points, least);
    tear_down();
}

static void is_told(err_t e, uint64_t k)
{
    ck_assert_msg(e == OK || e == ERR_NOMEM, "%llu: %s", (unsigned long long)k, err_name(e));
}

/* ---- results ---- */

static err_t see_line(void *arg, struct text one)
{
    (void)arg;
    NOMEM_PEACE(see(one));
    return OK;
}

static err_t each(void)
{
    struct files *f;
    TRY(resultsfile_folder(t.results, &t.log, &f));
    err_t e = resultsfile_each(f, 0, see_line, NULL);
    files_close(f);
    return e;
}

static err_t tidy(void)
{
    struct files *f;
    TRY(resultsfile_folder(t.results, &t.log, &f));
    resultsfile_tidy(f, t.now_s, &(const struct resultsfile_keep){1, 60});
    files_close(f);
    return OK;
}

static bool results_once(uint64_t k)
{
    char path[160];
    put_results();
    (void)unlink(day_of(path, 2 * DAY, true));
    nomem_in();
    err_t tidied = tidy();
    err_t e = each();
    (void)nomem_out();
    is_told(tidied, k);
    is_told(e, k);
    if (e == OK)
        assert_whole(k);
    t.n_seen = 0;
    ck_ok(each());
    assert_whole(k);
    return tidied == OK && e == OK;
}

START_TEST(test_nomem_results_are_not_lost)
{
    sweep(results_once, 10);
}
END_TEST

/* ---- the bandwidth file ---- */

static bool bwfile_once(uint64_t k)
{
    struct bwmade made;
    const struct bwmake m = {
        .from = {.results = t.results, .folder = t.data, .max_age_s = BWFILE_AGE_S},
        .link = t.link,
        .now_s = t.now_s,
        .started_s = t.now_s,
        .log = &t.log};
    nomem_in();
    err_t e = bwmake(&m, &made);
    bwmake_tidy(t.link, t.now_s, 7, &t.log);
    (void)nomem_out();
    is_told(e, k);
    ck_assert(e == OK || *made.why);
    see_folder(t.out);
    if (e == OK)
        assert_whole(k);
    else
        ck_assert_uint_eq(t.n_seen, 0);
    return e == OK;
}

START_TEST(test_nomem_bandwidth_file_is_whole)
{
    sweep(bwfile_once, 40);
}
END_TEST

/* ---- reports ---- */

static bool pages_once(uint64_t k)
{
    const struct offline_options o = {
        .results = t.results, .folder = t.data, .out = t.out, .max_age_s = OFFLINE_REPORT_AGE_S};
    const char *path = getenv("PATH");
    char *kept = strdup(path ? path : "");
    setenv("PATH", "/nowhere", 1); /* no gnuplot */
    nomem_in();
    int status = pages_write(&o, t.now_s, &t.log);
    (void)nomem_out();
    setenv("PATH", kept, 1);
    free(kept);
    see_folder(t.out);
    if (!status)
        assert_whole(k);
    return !status;
}

START_TEST(test_nomem_pages_are_whole)
{
    sweep(pages_once, 60);
}
END_TEST

/* What it says goes nowhere. */
static int report(const char *way, const char *value)
{
    char *argv[] = {"report",
                    t.results,
                    "--data-directory",
                    t.data,
                    (char *)(uintptr_t)way,
                    (char *)(uintptr_t)value,
                    NULL};
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    fflush(stdout);
    (void)!dup2(null, STDOUT_FILENO);
    (void)!dup2(null, STDERR_FILENO);
    nomem_in();
    int status = measure_report_main(value ? 6 : 5, argv);
    (void)nomem_out();
    fflush(stdout);
    (void)!dup2(out, STDOUT_FILENO);
    (void)!dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    close(null);
    return status;
}

/* Ages are told by the clock, so no two are the same. */
static bool report_once(uint64_t k)
{
    char fp[41];
    (void)k;
    int one = report("--relay", hex_upper(t.net->id[4].rsa_id.b, 20, fp));
    return one == 0 && report("--classic", NULL) == 0;
}

START_TEST(test_nomem_report)
{
    sweep(report_once, 40);
}
END_TEST

/* ---- a user's own runs ---- */

/* A run that is as it was made: nobody has been told anything. */
struct lone {
    struct env *env;
    struct run *run;
    struct run_config config;
    struct results_of of;
};

static void nothing(void *arg, const struct run_result *result)
{
    (void)arg, (void)result;
}

static void new_lone(struct lone *l, uint32_t id)
{
    static const struct run_ops ops = {.on_end = nothing};
    *l = (struct lone){.env = test_env(id)};
    l->config = (struct run_config){.meas_id = id, .dur = 5, .sockets = 4, .n_members = 1};
    l->config.relay = (struct meas_relay){.addrs = {{{.family = IP_V4, .b = {192, 0, 2, 7}}, 9001}},
                                          .n_addrs = 1};
    snprintf(l->config.members[0].name, sizeof l->config.members[0].name, "local");
    ck_ok(run_new(l->env, &l->config, &ops, NULL, &l->run));
    l->of = (struct results_of){l->run, &l->config};
}

/* Whether it began, and in *ALL whether all went well. */
static bool run_of(uint32_t id, int64_t now_s, bool *all)
{
    static char why[PAST_WHY];
    static struct past p;
    struct lone l;
    const struct run_result result = {.state = RUN_DONE, .conclusive = true};
    bool began = false, was = nomem_out();
    new_lone(&l, id);
    why[0] = 0;
    nomem.in = was;
    err_t e = past_take(&p, &t.log, &l.config.relay, now_s, why);
    if (e == OK) {
        e = past_begin(&p, &l.of, now_s, why);
        began = e == OK;
        if (began)
            past_end(&p, &l.of, &result, now_s + 30);
        past_leave(&p);
    }
    (void)nomem_out();
    ck_assert_msg(e == OK || *why, "%s", err_name(e));
    *all = e == OK;
    run_free(l.run);
    test_env_free(l.env);
    return began;
}

/* Runs that began are remembered, and no others: the third within a day is refused. */
static bool past_once(uint64_t k)
{
    bool all, peace, third;
    setenv("XDG_STATE_HOME", t.out, 1);
    nomem_in();
    bool first = run_of(1, t.now_s, &all);
    ck_assert(run_of(2, t.now_s + 600, &peace));
    ck_assert_msg(run_of(3, t.now_s + 1200, &third) == !first, "%llu", (unsigned long long)k);
    char kept[200];
    snprintf(kept, sizeof kept, "%s/tunic-measure", t.out);
    see_folder(kept);
    return all;
}

START_TEST(test_nomem_own_runs_are_remembered)
{
    sweep(past_once, 10);
}
END_TEST

TESTS("app/nomem_offline", test_nomem_results_are_not_lost, test_nomem_bandwidth_file_is_whole,
      test_nomem_pages_are_whole, test_nomem_report, test_nomem_own_runs_are_remembered)
