#include "app/fetch/fetch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "app/fetch/job.h"
#include "app/fetch/list.h"
#include "app/out.h"
#include "base/hash.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "docs/json.h"

enum { STALL_MOST_MS = 20000, STALL_LEAST_MS = 500, LINE_MAX_ = 512 };

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

struct fetch {
    struct fetch_args args;
    struct hub hub;
    struct job job;
    struct out out;
    json_t *json; /* the list for standard output or a file */
    bool is_tty, line_shown, interrupted;
    size_t written;
};

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic fetch: %s\n", why);
    return status;
}

static void to_stderr(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    job_wipe_line();
    fprintf(stderr, "tunic fetch: [%s] %s\n", log_level_name(level), line);
}

/* ---- progress ---- */

static const char *amount(double bytes, char out[32])
{
    if (bytes < 10000)
        snprintf(out, 32, "%.0f bytes", bytes);
    else if (bytes < 1e6)
        snprintf(out, 32, "%.0f kB", bytes / 1e3);
    else
        snprintf(out, 32, "%.2f MB", bytes / 1e6);
    return out;
}

static double seconds_since(const struct fetch *f, uint64_t us)
{
    return (double)(net_env(f->hub.net)->mono_us - us) / US_PER_SEC;
}

static void wipe_line(struct fetch *f)
{
    if (f->line_shown)
        fputs("\r\033[K", stderr);
    f->line_shown = false;
}

static void on_progress(void *arg)
{
    struct fetch *f = arg;
    char so_far[32], all[32], rate[32], percent[80] = "", line[LINE_MAX_];
    struct job_progress p;
    struct winsize size;
    double seconds = seconds_since(f, f->job.begun_us);
    if (!f->is_tty || f->args.quiet)
        return;
    job_progress(&f->job, &p);
    if (p.all_expected && p.expected > p.received)
        snprintf(percent, sizeof percent, " of %s (%.0f %%)", amount((double)p.expected, all),
                 100.0 * (double)p.received / (double)p.expected);
    snprintf(line, sizeof line, "%s%s, %s/s, %zu of %zu done%s%s",
             amount((double)p.received, so_far), percent,
             amount(seconds > 0 ? (double)p.received / seconds : 0, rate), p.over, f->args.n_wants,
             p.source ? ", asking " : "", p.source ? p.source : "");
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 &&
        strlen(line) >= size.ws_col)
        line[size.ws_col - 1] = 0;
    fprintf(stderr, "\r%s\033[K", line);
    f->line_shown = true;
}

static void final_line(struct fetch *f)
{
    char bytes[32], rate[32];
    struct job_progress p;
    double seconds = seconds_since(f, f->job.begun_us);
    wipe_line(f);
    if (!f->args.verbose && (!f->is_tty || f->args.quiet))
        return;
    job_progress(&f->job, &p);
    fprintf(stderr, "tunic fetch: %zu documents, %s on the wire in %.2f s (%s/s)\n", f->written,
            amount((double)p.received, bytes), seconds,
            amount(seconds > 0 ? (double)p.received / seconds : 0, rate));
}

/* ---- output ---- */

static err_t write_json(struct fetch *f, const struct docs_item *doc)
{
    char name[DOCS_NAME_MAX + 8];
    json_t *one = docs_item_json(doc);
    if (!one)
        return ERR_NOMEM;
    if (!f->out.to_folder) {
        if (!f->json)
            f->json = json_array();
        return f->json && json_array_append_new(f->json, one) == 0 ? OK : ERR_NOMEM;
    }
    char *text = json_dumps(one, JSON_INDENT(2));
    json_decref(one);
    if (!text)
        return ERR_NOMEM;
    snprintf(name, sizeof name, "%s.json", doc->name);
    err_t e = out_file(&f->out, name, text_of(text), text_of("\n"));
    free(text);
    return e;
}

/* Where something half-written would have to be removed, signals wait: they are looked for between
 * two documents. Elsewhere a pipe that nobody reads from must not keep us. */
static void hold_signals(const struct fetch *f)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++) {
        sigaddset(&set, ending_signals[i]);
        if (f->out.in_place && ending_signals[i] != SIGHUP)
            signal(ending_signals[i], SIG_DFL);
    }
    if (!f->out.in_place)
        sigprocmask(SIG_BLOCK, &set, NULL);
}

static err_t look_for_signals(struct fetch *f)
{
    sigset_t set;
    if (sigpending(&set) != 0)
        return OK;
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++)
        f->interrupted |= sigismember(&set, ending_signals[i]) == 1;
    return f->interrupted ? ERR_STATE : OK;
}

static err_t write_doc(struct fetch *f, const struct docs_item *doc)
{
    f->written++;
    if (f->args.json)
        return write_json(f, doc);
    struct text head = text_of(f->args.annotate ? docs_item_type_line(doc) : "");
    if (f->out.to_folder)
        return out_file(&f->out, doc->name, head, doc->text);
    TRY(out_write(&f->out, head.s, head.len));
    return out_write(&f->out, doc->text.s, doc->text.len);
}

/* Writes a document as it came, named by the SHA-256 of that, with the encoding's usual ending. */
static err_t write_raw(struct fetch *f, const struct part *p)
{
    static const struct {
        const char *encoding, *ending;
    } endings[] = {{"x-zstd", ".zst"}, {"x-tor-lzma", ".lzma"}, {"gzip", ".gz"}, {"deflate", ".z"}};
    struct text t = get_document(p->get);
    uint8_t digest[SHA256_LEN];
    char hex[HEX_SIZE(SHA256_LEN)], name[HEX_SIZE(SHA256_LEN) + 8];
    const char *ending = "";
    f->written++;
    if (!f->out.to_folder)
        return out_write(&f->out, t.s, t.len);
    sha256(t.s, t.len, digest);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(get_encoding(p->get), endings[i].encoding) == 0)
            ending = endings[i].ending;
    snprintf(name, sizeof name, "%s%s", hex_lower(digest, sizeof digest, hex), ending);
    return out_file(&f->out, name, (struct text){"", 0}, t);
}

static err_t write_item(struct fetch *f, const struct item *it)
{
    const struct part *p;
    if (f->args.raw) {
        DL_FOREACH (it->parts, p) {
            TRY(look_for_signals(f));
            if (p->good)
                TRY(write_raw(f, p));
        }
        return OK;
    }
    for (size_t i = 0; i < it->docs.n; i++) {
        TRY(look_for_signals(f));
        if (item_writes(it, &it->docs.list[i]))
            TRY(write_doc(f, &it->docs.list[i]));
    }
    return OK;
}

/* jansson hands out a word at a time. */
struct dump {
    struct out *out;
    size_t len;
    char bytes[32768];
};

static int dump_add(const char *bytes, size_t len, void *arg)
{
    struct dump *d = arg;
    if (len > sizeof d->bytes - d->len) {
        if (out_write(d->out, d->bytes, d->len) != OK)
            return -1;
        d->len = 0;
    }
    if (len > sizeof d->bytes)
        return out_write(d->out, bytes, len) == OK ? 0 : -1;
    memcpy(d->bytes + d->len, bytes, len);
    d->len += len;
    return 0;
}

static err_t dump_json(struct fetch *f)
{
    struct dump d = {.out = &f->out, .len = 0};
    size_t flags = JSON_INDENT(2) | (f->out.to_terminal ? JSON_ENSURE_ASCII : 0);
    if (json_dump_callback(f->json, dump_add, &d, flags) != 0 || dump_add("\n", 1, &d) != 0)
        return f->out.why[0] ? ERR_IO : ERR_NOMEM;
    return out_write(&f->out, d.bytes, d.len);
}

static err_t write_all(struct fetch *f)
{
    for (size_t i = 0; i < f->args.n_wants; i++)
        TRY(write_item(f, &f->job.items[i]));
    if (f->json)
        TRY(dump_json(f));
    return out_finish(&f->out);
}

/* ---- the run ---- */

static void on_over(void *arg)
{
    struct fetch *f = arg;
    net_stop(f->hub.net);
}

static void on_signal(void *arg, int signum)
{
    struct fetch *f = arg;
    (void)signum;
    f->interrupted = true;
    net_stop(f->hub.net);
}

static int status_of(const struct fetch *f)
{
    static const int order[] = {FETCH_STATUS_FAILED, FETCH_STATUS_INVALID, FETCH_STATUS_UNREACHABLE,
                                FETCH_STATUS_NOT_FOUND};
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        for (size_t i = 0; i < f->args.n_wants; i++)
            if (f->job.items[i].status == order[k])
                return order[k];
    return FETCH_STATUS_DONE;
}

static void set_hub(struct fetch *f)
{
    uint64_t stall = (uint64_t)f->args.timeout_s * MS_PER_SEC / (f->args.retries + 1);
    f->hub.raw = f->args.raw;
    f->hub.accept = f->args.encoding;
    f->hub.stall_ms = stall > STALL_MOST_MS    ? STALL_MOST_MS
                      : stall < STALL_LEAST_MS ? STALL_LEAST_MS
                                               : stall;
}

static err_t begin(struct fetch *f, char why[SOURCES_WHY])
{
    struct tunic_error error = {.cls = TUNIC_OK};
    const struct log log = {.least = f->args.verbose ? LOG_NOTICE
                                     : f->args.quiet ? (enum log_level)(LOG_ERR + 1)
                                                     : LOG_WARN,
                            .sink = to_stderr};
    snprintf(why, SOURCES_WHY, "out of memory");
    err_t e = hub_init(&f->hub, &log, &error);
    if (e != OK) {
        snprintf(why, SOURCES_WHY, "%.250s", error.text);
        return e;
    }
    set_hub(f);
    if (f->args.anonymous)
        TRY(hub_start_client(&f->hub, &f->args.sources, f->args.data_directory, why));
    TRY(net_on_signal(f->hub.net, SIGINT, on_signal, f));
    TRY(net_on_signal(f->hub.net, SIGTERM, on_signal, f));
    return job_init(&f->job, &f->hub, &f->args, on_over, on_progress, f);
}

static int run(struct fetch *f)
{
    char why[SOURCES_WHY];
    if (out_open(&f->out, f->args.output) != OK)
        return complain(FETCH_STATUS_FAILED, f->out.why);
    if (begin(f, why) != OK)
        return complain(FETCH_STATUS_FAILED, why);
    if (f->args.no_verify || f->args.raw)
        fprintf(stderr,
                "tunic fetch: WARNING: %s: nothing that follows has been verified; it may be "
                "forged, altered or out of date\n",
                f->args.raw ? "--raw" : "--no-verify");
    job_start(&f->job);
    net_run(f->hub.net);
    if (f->interrupted) {
        wipe_line(f);
        return complain(FETCH_STATUS_FAILED, "interrupted; nothing was written");
    }
    wipe_line(f);
    hold_signals(f);
    err_t e = write_all(f);
    if (f->interrupted)
        return complain(FETCH_STATUS_FAILED, f->out.to_folder
                                                 ? "interrupted; the rest was not written"
                                                 : "interrupted; nothing was written");
    if (e != OK)
        return complain(FETCH_STATUS_FAILED, f->out.why[0] ? f->out.why : err_text(e));
    final_line(f);
    return status_of(f);
}

int fetch_main(int argc, char **argv)
{
    struct fetch f = {.out = {.fd = -1}, .is_tty = isatty(STDERR_FILENO)};
    char why[ARG_WHY];
    int status = FETCH_STATUS_DONE;
    /* A full pipe's end and a full quota are errors like others, so that no half file stays. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    err_t e = fetch_args_parse(argc, argv, &f.args, why);
    if (e != OK) {
        status = complain(e == ERR_ARG ? FETCH_STATUS_USAGE : FETCH_STATUS_FAILED, why);
    } else if (f.args.help) {
        fputs(fetch_help, stdout);
        if (fflush(stdout) != 0)
            status = FETCH_STATUS_FAILED;
    } else {
        status = f.args.check_fallbacks ? fetch_check_list(&f.args)
                 : f.args.print         ? fetch_print(&f.args)
                 : f.args.list_sources  ? fetch_list_sources(&f.args)
                                        : run(&f);
    }
    out_close(&f.out);
    json_decref(f.json);
    job_free(&f.job);
    hub_free(&f.hub);
    fetch_args_free(&f.args);
    return status;
}
