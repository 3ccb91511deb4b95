/* The DataDirectory of a client that runs, or ran: its files are replaced by renaming, or appended
 * to, and read anew when they are others than before. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "app/measure/relaysource_int.h"

static const char *const names[RELAYSOURCE_FILES] = {"cached-certs", "cached-microdesc-consensus",
                                                     "cached-consensus", "cached-descriptors",
                                                     "cached-descriptors.new"};

static bool version_of(int folder, const char *name, struct relaysource_version *out)
{
    struct stat st;
    *out = (struct relaysource_version){.size = 0};
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return false;
    *out = (struct relaysource_version){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
    return true;
}

static bool is_same(const struct relaysource_version *a, const struct relaysource_version *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* ---- the consensus ---- */

/* True: it is in the listing now. */
static bool take_consensus(struct relaysource *r, struct files *files, enum relaysource_file which)
{
    struct blob consensus, certs = {.release = NULL};
    char why[LISTING_WHY_MAX] = "";
    int64_t now_s = env_wall_s(net_env(r->config.net));
    if (files_load(files, names[which], &consensus) != OK)
        return false;
    err_t e = files_load(files, names[RELAYSOURCE_CERTS], &certs);
    e = e == ERR_NOT_FOUND ? OK : e;
    if (e == OK)
        e = listing_read_consensus(r->config.listing, &r->trust, consensus.text, certs.text, now_s,
                                   why);
    if (e != OK && e != ERR_STATE)
        log_warn(r->config.log, "%s/%s does not count: %s", r->config.directory, names[which],
                 *why ? why : err_text(e));
    blob_drop(&consensus);
    blob_drop(&certs);
    return e == OK;
}

static bool look_at_consensus(struct relaysource *r, int folder, struct files *files)
{
    struct relaysource_version now[RELAYSOURCE_FILES];
    bool is_there = false, is_new = false;
    (void)version_of(folder, names[RELAYSOURCE_CERTS], &now[RELAYSOURCE_CERTS]);
    bool certs = !is_same(&now[RELAYSOURCE_CERTS], &r->seen[RELAYSOURCE_CERTS]);
    r->seen[RELAYSOURCE_CERTS] = now[RELAYSOURCE_CERTS];
    for (enum relaysource_file f = RELAYSOURCE_MICRO; f <= RELAYSOURCE_NS; f++) {
        bool is = version_of(folder, names[f], &now[f]);
        is_there |= is;
        if (is && (certs || !is_same(&now[f], &r->seen[f])))
            is_new |= take_consensus(r, files, f);
        r->seen[f] = now[f];
    }
    if (!is_there && !r->missed)
        log_warn(r->config.log, "There is no consensus in %s yet: no relay is known",
                 r->config.directory);
    r->missed = !is_there;
    return is_new;
}

/* ---- descriptors ---- */

/* A client keeps microdescriptors, where nobody's contact line is. */
static void miss_descriptors(struct relaysource *r, int folder)
{
    struct relaysource_version v;
    bool none = !version_of(folder, names[RELAYSOURCE_DESCRIPTORS], &v) &&
                !version_of(folder, names[RELAYSOURCE_JOURNAL], &v);
    if (none && !r->missed && !r->undescribed)
        log_warn(r->config.log,
                 "There are no server descriptors in %s, so nobody's consent is known: its tor "
                 "needs the line \"FetchUselessDescriptors 1\" in its torrc",
                 r->config.directory);
    r->undescribed |= none && !r->missed;
}

static void look_at_descriptors(struct relaysource *r, int folder, struct files *files)
{
    struct relaysource_version now;
    struct blob text;
    if (!listing_reader_is_idle(r->reader))
        return; /* the next look sees them */
    for (enum relaysource_file f = RELAYSOURCE_DESCRIPTORS; f <= RELAYSOURCE_JOURNAL; f++) {
        if (!version_of(folder, names[f], &now) || is_same(&now, &r->seen[f]) ||
            files_load(files, names[f], &text) != OK)
            continue;
        r->seen[f] = now;
        r->reading = r->config.directory;
        if (listing_reader_add(r->reader, text) != OK)
            log_warn(r->config.log, "%s/%s is not read: too much waits", r->config.directory,
                     names[f]);
    }
}

void relaysource_folder_look(struct relaysource *r)
{
    struct files *files;
    int fd = open(r->config.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && !r->missed)
        log_warn(r->config.log, "Cannot read the folder %s: %s. Its relays are not known.",
                 r->config.directory, strerror(errno));
    if (fd < 0) {
        r->missed = true;
        return;
    }
    if (files_open(fd, r->config.directory, r->config.log, &files) != OK)
        return;
    bool all = look_at_consensus(r, fd, files);
    if (all)
        log_notice(r->config.log, "%zu relays by the consensus in %s", listing_n(r->config.listing),
                   r->config.directory);
    if (all) /* of those that were strangers, descriptors are read once more */
        memset(&r->seen[RELAYSOURCE_DESCRIPTORS], 0, 2 * sizeof r->seen[0]);
    miss_descriptors(r, fd);
    look_at_descriptors(r, fd, files);
    files_close(files);
}
