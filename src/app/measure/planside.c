#include "app/measure/planside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/measure/reading.h"
#include "crypto/secret.h"
#include "measure/roster.h"
#include "measure/schedule.h"
#include "net/files.h"

/* A network's documents are waited for at a start: relays that come later than the plan would all
 * go to its first slots. */
enum { SECRET_MOST = 1024, LOOK_MS = 10 * 1000, DOCUMENTS_PATIENCE_S = 180 };

static const char KEPT[] = "schedule.jsonl";

struct planside {
    struct planside_config config;
    char relays[MCONF_TEXT_MAX];
    bool has_directory; /* documents are to come; */
    bool fetches;       /* descriptors, too */
    uint32_t seen;      /* changes of the listing, at the last look */
    struct files *files;
    struct timer look;
    uint64_t begun_us;
    uint32_t changes; /* of the listing, that the coordinator knows */
    bool is_live, has_given;
};

/* ---- the secret ---- */

/* All of the file but white space at its end. */
static err_t read_secret(const struct planside *p, const char *path, uint8_t out[SECRET_MOST],
                         size_t *len)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 && fstat(fd, &st) == 0 ? read(fd, out, SECRET_MOST) : -1;
    int failed = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        log_err(p->config.log, "The secret of schedules, %s: %s", path, strerror(failed));
        return ERR_IO;
    }
    if (st.st_mode & 077) {
        log_err(p->config.log, "%s can be read by others: chmod 600", path);
        return ERR_IO;
    }
    *len = (size_t)n;
    while (*len && strchr(" \t\r\n", out[*len - 1]))
        --*len;
    return OK;
}

static void say_length(const struct planside *p, const char *path)
{
    log_err(p->config.log,
            "%s is to have 32 to %d bytes, which are the same for all coordinators that share a "
            "schedule: openssl rand -hex 32",
            path, SECRET_MOST);
}

static err_t check_secret(const struct planside *p, const char *path)
{
    uint8_t secret[SECRET_MOST];
    size_t len = 0;
    if (!*path)
        return OK;
    err_t e = read_secret(p, path, secret, &len);
    secret_wipe(secret, sizeof secret);
    if (e != OK || len >= SCHEDULE_SECRET_LEAST)
        return e;
    say_length(p, path);
    return ERR_MALFORMED;
}

static err_t take_secret(const struct planside *p, const char *path)
{
    uint8_t secret[SECRET_MOST];
    size_t len = 0;
    if (!*path)
        return OK;
    err_t e = read_secret(p, path, secret, &len);
    if (e == OK)
        e = coordinator_secret(p->config.coordinator, secret, len);
    secret_wipe(secret, sizeof secret);
    if (e == ERR_LIMIT)
        say_length(p, path);
    return e == ERR_LIMIT ? ERR_MALFORMED : e;
}

/* ---- what was kept ---- */

err_t planside_keep(struct planside *p, const char *lines, bool fresh)
{
    const struct text part = text_of(lines);
    return fresh ? files_replace(p->files, KEPT, &part, 1) : files_append(p->files, KEPT, &part, 1);
}

static err_t recall(struct planside *p)
{
    struct blob blob;
    struct text line;
    unsigned bad = 0;
    err_t e = files_load(p->files, KEPT, &blob);
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e != OK)
        return e;
    struct text rest = blob.text;
    while (e != ERR_NOMEM && text_line(&rest, &line)) {
        e = coordinator_recall_schedule(p->config.coordinator, line);
        bad += e == ERR_MALFORMED ? 1 : 0;
    }
    /* A crash can tear the last line: what is written next is no part of it. */
    if (e != ERR_NOMEM && blob.text.len && blob.text.s[blob.text.len - 1] != '\n')
        e = planside_keep(p, "\n", false);
    if (bad)
        log_notice(p->config.log, "%u lines of %s are none, and are skipped", bad, KEPT);
    blob_drop(&blob);
    return e == ERR_NOMEM ? e : OK;
}

/* ---- relays ---- */

static err_t read_opted_in(const struct planside *p, struct roster *out)
{
    struct blob blob;
    char why[ROSTER_WHY];
    if (!*p->relays)
        return OK;
    TRY(reading_file(p->relays, p->config.log, &blob));
    err_t e = roster_read(out, blob.text, why);
    blob_drop(&blob);
    if (e != OK)
        log_err(p->config.log, "%s, %s", p->relays, why);
    return e;
}

static err_t give(struct planside *p)
{
    struct roster roster;
    struct listing *l = p->config.listing;
    int64_t now_s = env_wall_s(net_env(p->config.net));
    uint32_t changes = listing_changes(l);
    bool is_live = listing_is_live(l, now_s);
    roster_init(&roster);
    err_t e = read_opted_in(p, &roster);
    if (e == OK && listing_valid_after_s(l))
        e = listing_enrol(l, now_s, &roster);
    roster_sort(&roster);
    if (e == OK) {
        coordinator_roster(p->config.coordinator, &roster);
        p->changes = changes;
        p->is_live = is_live;
        p->has_given = true;
    }
    roster_free(&roster);
    return e;
}

/* Relays that agree in their contact line are known by their descriptors alone; a folder may have
 * none, or not all. */
static bool waits(struct planside *p)
{
    const struct env *env = net_env(p->config.net);
    const struct listing *l = p->config.listing;
    bool more = p->fetches || listing_changes(l) != p->seen;
    p->seen = listing_changes(l);
    if (!p->has_directory ||
        env->mono_us - p->begun_us >= DOCUMENTS_PATIENCE_S * (uint64_t)US_PER_SEC)
        return false;
    return !listing_valid_after_s(l) || (more && !listing_is_told(l, env_wall_s(env)));
}

static void look(void *arg)
{
    struct planside *p = arg;
    struct env *env = net_env(p->config.net);
    const struct listing *l = p->config.listing;
    bool is_new =
        listing_changes(l) != p->changes || listing_is_live(l, env_wall_s(env)) != p->is_live;
    if ((p->has_given || !waits(p)) && (is_new || !p->has_given) && give(p) != OK)
        log_warn(p->config.log, "The relays of the schedule stay as they were");
    env_arm_ms(env, &p->look, LOOK_MS);
}

err_t planside_check(struct log *log, const struct mconf_coord *conf)
{
    struct planside p = {.config = {.log = log}};
    struct roster roster;
    TRY(check_secret(&p, conf->secret));
    snprintf(p.relays, sizeof p.relays, "%s", conf->relays);
    roster_init(&roster);
    err_t e = read_opted_in(&p, &roster);
    roster_free(&roster);
    return e;
}

err_t planside_begin(struct planside *p)
{
    struct roster roster;
    roster_init(&roster);
    err_t e = read_opted_in(p, &roster);
    roster_free(&roster);
    env_arm_ms(net_env(p->config.net), &p->look, 0);
    return e;
}

void planside_expect(struct planside *p, const struct mconf_coord *conf)
{
    p->has_directory = strcmp(conf->directory, "none") != 0;
    p->fetches = strcmp(conf->directory, "fetch") == 0;
    p->begun_us = net_env(p->config.net)->mono_us;
    p->has_given = false;
}

void planside_reload(struct planside *p, const struct mconf_coord *conf)
{
    if (planside_check(p->config.log, conf) == OK) {
        snprintf(p->relays, sizeof p->relays, "%s", conf->relays);
        if (take_secret(p, conf->secret) != OK)
            log_warn(p->config.log, "The secret of schedules stays as it was");
    }
    if (p->has_given && give(p) != OK)
        log_warn(p->config.log, "The relays of the schedule stay as they were");
}

/* ---- life ---- */

static err_t open_files(struct planside *p)
{
    const char *dir = p->config.conf->datadir;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return files_open(fd, dir, p->config.log, &p->files);
    log_err(p->config.log, "%s: %s", dir, strerror(errno));
    return ERR_IO;
}

err_t planside_open(const struct planside_config *config, struct planside **out)
{
    struct planside *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    *p = (struct planside){.config = *config};
    planside_expect(p, config->conf);
    snprintf(p->relays, sizeof p->relays, "%s", config->conf->relays);
    timer_init(&p->look, look, p);
    err_t e = take_secret(p, config->conf->secret);
    if (e == OK)
        e = open_files(p);
    if (e == OK)
        e = recall(p);
    p->config.conf = NULL;
    if (e == OK)
        *out = p;
    else
        planside_close(p);
    return e;
}

void planside_close(struct planside *p)
{
    if (!p)
        return;
    env_disarm(net_env(p->config.net), &p->look);
    files_close(p->files);
    free(p);
}
