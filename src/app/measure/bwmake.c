#include "app/measure/bwmake.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/measure/reading.h"
#include "tunic/tunic.h"

enum { DAY_S = 24 * 3600 };

/* ---- what it is made of ---- */

struct gathering {
    struct bwfile *b;
    unsigned bad_lines;
};

static err_t on_line(void *arg, struct text line)
{
    struct gathering *g = arg;
    struct result r;
    err_t e = results_parse(line, &r);
    if (e == ERR_MALFORMED) {
        g->bad_lines++;
        return OK;
    }
    return e == OK ? bwfile_result(g->b, &r) : e;
}

static void on_descriptor(void *arg, const struct descriptor *d)
{
    bwfile_descriptor(arg, d);
}

static err_t read_network(const struct bwmake *m, struct bwfile *b)
{
    struct consensus *c;
    char unverified[VERIFIED_WHY]; /* which was told */
    if (m->listing)
        return bwfile_listing(b, m->listing);
    TRY(reading_consensus(&m->from, m->log, &c, unverified));
    if (c && consensus_liveness(c, m->now_s) == LIVE_EXPIRED)
        log_warn(m->log, "The consensus is out of date: the relays of another day.");
    err_t e = c ? bwfile_consensus(b, c) : OK;
    consensus_free(&c);
    return e == OK ? reading_descriptors(&m->from, m->now_s, m->log, on_descriptor, b) : e;
}

static err_t gather(const struct bwmake *m, struct bwfile *b)
{
    struct gathering g = {.b = b};
    err_t e = read_network(m, b);
    if (e == OK)
        e = reading_results(m->from.results, m->now_s - m->from.max_age_s, m->log, on_line, &g);
    if (g.bad_lines)
        log_warn(m->log, "%u lines of the results are torn, or none of ours.", g.bad_lines);
    return e;
}

/* ---- where it goes ---- */

/* The folder of LINK, with its "/", and the name in it. */
static const char *split(const char *link, char folder[OUT_PATH_MAX])
{
    const char *slash = strrchr(link, '/');
    snprintf(folder, OUT_PATH_MAX, "%.*s", slash ? (int)(slash + 1 - link) : 2,
             slash ? link : "./");
    return slash ? slash + 1 : link;
}

static err_t complain(struct bwmade *made, const char *what, const char *path)
{
    snprintf(made->why, sizeof made->why, "cannot %s %.200s: %s", what, path, strerror(errno));
    return ERR_IO;
}

/* The link is never missing meanwhile: another one takes its place. */
static err_t link_to(const struct out *o, const char *base, const char *name, struct bwmade *made)
{
    char temporary[OUT_PATH_MAX + 128], path[OUT_PATH_MAX + 128];
    snprintf(temporary, sizeof temporary, "%s/.%.100s.tunic-%ld", o->path, base, (long)getpid());
    snprintf(path, sizeof path, "%s/%.100s", o->path, base);
    (void)unlink(temporary);
    if (symlink(name, temporary) == 0 && rename(temporary, path) == 0)
        return OK;
    err_t e = complain(made, "make the link", path);
    (void)unlink(temporary);
    return e;
}

static err_t put_file(struct out *o, const char *base, const char *text, const struct bwmake *m,
                      struct bwmade *made)
{
    char dated[BWFILE_NAME_MAX], name[128 + BWFILE_NAME_MAX];
    snprintf(name, sizeof name, "%.100s%s", base, strchr(bwfile_name(m->now_s, dated), '.'));
    TRY(out_file(o, name, text_of(text), text_of("")));
    TRY(out_finish(o)); /* it is there before the link says so */
    TRY(link_to(o, base, name, made));
    TRY(out_finish(o));
    snprintf(made->path, sizeof made->path, "%.*s/%s", (int)(sizeof made->path - sizeof name - 1),
             o->path, name);
    return OK;
}

static err_t put(const struct bwmake *m, const char *text, struct bwmade *made)
{
    struct out o;
    char folder[OUT_PATH_MAX];
    const char *base = m->link ? split(m->link, folder) : NULL;
    err_t e = out_open(&o, m->link ? folder : NULL);
    if (e == OK)
        e = m->link ? put_file(&o, base, text, m, made) : out_write(&o, text, strlen(text));
    out_close(&o);
    if (e != OK && !made->why[0])
        memcpy(made->why, o.why, sizeof o.why);
    return e;
}

static err_t make(const struct bwmake *m, struct bwfile *b, struct bwmade *made)
{
    const struct bwfile_config config = {.version = tunic_version(),
                                         .started_s = m->started_s,
                                         .digits = m->from.digits,
                                         .country = m->from.country};
    char *text = NULL;
    err_t e = gather(m, b);
    if (e == ERR_NOT_FOUND)
        return e; /* it was told */
    if (e == OK)
        e = bwfile_write(b, &config, &text, &made->sum);
    if (e == ERR_NOT_FOUND)
        snprintf(made->why, sizeof made->why, "no relay has a recent result: no file is made");
    else if (e != OK)
        snprintf(made->why, sizeof made->why, "%s", err_text(e));
    else
        e = put(m, text, made);
    free(text);
    return e;
}

err_t bwmake(const struct bwmake *m, struct bwmade *out)
{
    struct bwfile *b = bwfile_new(m->now_s, m->from.max_age_s);
    *out = (struct bwmade){.path = ""};
    if (!b) {
        snprintf(out->why, sizeof out->why, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    err_t e = make(m, b, out);
    bwfile_free(b);
    return e;
}

/* ---- what is old ---- */

struct tidying {
    const char *folder, *base;
    char current[OUT_PATH_MAX]; /* where the link leads */
    int64_t oldest_s;           /* of what stays */
    int64_t oldest_torn_s;      /* of what may be somebody's who is at it */
};

/* The time in NAME, which is BASE.2026-11-30-12-00-00. */
static bool dated(const char *name, const char *base, int64_t *at_s)
{
    struct tm tm = {0};
    char again[BWFILE_NAME_MAX];
    size_t len = strlen(base);
    if (strncmp(name, base, len) != 0 || name[len] != '.' ||
        !strptime(name + len, ".%Y-%m-%d-%H-%M-%S", &tm))
        return false;
    *at_s = (int64_t)timegm(&tm);
    return strcmp(strchr(bwfile_name(*at_s, again), '.'), name + len) == 0;
}

/* What out_file() and link_to() call theirs as long as it is not whole. */
static bool is_torn(const char *name, const char *base)
{
    size_t len = strlen(base);
    return strncmp(name, ".tunic-", 7) == 0 ||
           (name[0] == '.' && strncmp(name + 1, base, len) == 0 &&
            strncmp(name + 1 + len, ".tunic-", 7) == 0);
}

static bool is_due(const struct tidying *t, const char *name, const char *path)
{
    struct stat st;
    int64_t at_s;
    if (dated(name, t->base, &at_s))
        return at_s < t->oldest_s && strcmp(name, t->current) != 0;
    return is_torn(name, t->base) && lstat(path, &st) == 0 && st.st_mtime < t->oldest_torn_s;
}

/* NAME of the file. */
static bool leads_to(const char *link, char name[OUT_PATH_MAX])
{
    ssize_t n = readlink(link, name, OUT_PATH_MAX - 1);
    name[n > 0 ? n : 0] = 0;
    return n > 0;
}

int64_t bwmake_newest_s(const char *link)
{
    char folder[OUT_PATH_MAX], name[OUT_PATH_MAX];
    const char *base = split(link, folder);
    int64_t at_s;
    return leads_to(link, name) && access(link, R_OK) == 0 && dated(name, base, &at_s) ? at_s : 0;
}

void bwmake_tidy(const char *link, int64_t now_s, unsigned keep_days, const struct log *log)
{
    enum { TORN_S = 3600 };
    char folder[OUT_PATH_MAX], path[OUT_PATH_MAX + NAME_MAX + 2];
    struct tidying t = {.base = split(link, folder),
                        .folder = folder,
                        .oldest_s = now_s - (int64_t)keep_days * DAY_S,
                        .oldest_torn_s = now_s - TORN_S};
    DIR *d = opendir(folder);
    (void)leads_to(link, t.current);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
        if (is_due(&t, entry->d_name, path) && unlink(path) != 0 && errno != ENOENT)
            log_warn(log, "Cannot remove %.300s: %s", path, strerror(errno));
    }
    if (d)
        closedir(d);
}
