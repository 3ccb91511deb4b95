#include "app/testnet/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/encode.h"
#include "crypto/secret.h"
#include "dirdoc/identity_file.h"
#include "host/folder.h"

enum { OPEN_TO_ALL = 0644, OWN = 0600, OWN_DIR = 0700, REMOVE_FDS = 16 };

static err_t fail(char *why, const char *what, const char *path)
{
    snprintf(why, TESTNET_FILES_WHY, "cannot %s %.200s: %s", what, path, strerror(errno));
    return ERR_IO;
}

/* ---- the folder ---- */

static err_t make_temporary(struct testnet_dir *d, char *why)
{
    const char *tmp = getenv("TMPDIR");
    static const char blanks[] = {'X', 'X', 'X', 'X', 'X', 'X', 0}; /* for mkdtemp() */
    int n = snprintf(d->path, sizeof d->path, "%s/tunic-testnet-%s", tmp && *tmp ? tmp : "/tmp",
                     blanks);
    if (n >= (int)sizeof d->path || !mkdtemp(d->path))
        return fail(why, "make a folder in", tmp && *tmp ? tmp : "/tmp");
    d->temporary = true;
    return OK;
}

/* The files' paths get a name behind this one. */
static err_t make_wished(struct testnet_dir *d, const char *wish, char *why)
{
    struct stat st;
    char *absolute;
    if (mkdir(wish, OWN_DIR) != 0 && errno != EEXIST)
        return fail(why, "make --dir", wish);
    if (stat(wish, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return fail(why, "use --dir", wish);
    }
    if (access(wish, W_OK | X_OK) != 0)
        return fail(why, "write to --dir", wish);
    absolute = realpath(wish, NULL);
    if (!absolute || strlen(absolute) > sizeof d->path - 64) {
        errno = absolute ? ENAMETOOLONG : errno;
        free(absolute);
        return fail(why, "use --dir", wish);
    }
    snprintf(d->path, sizeof d->path, "%s", absolute);
    free(absolute);
    return OK;
}

err_t testnet_dir_open(const char *wish, struct testnet_dir *out, char why[TESTNET_FILES_WHY])
{
    struct conf_err e;
    *out = (struct testnet_dir){.lock_fd = -1};
    TRY(wish ? make_wished(out, wish, why) : make_temporary(out, why));
    int fd = open(out->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, "use --dir", out->path);
    err_t status = folder_lock(fd, out->path, &out->lock_fd, &e);
    close(fd);
    if (status == ERR_STATE)
        snprintf(why, TESTNET_FILES_WHY, "another test network uses --dir %.200s", out->path);
    else if (status != OK)
        snprintf(why, TESTNET_FILES_WHY, "%.300s", e.text);
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

void testnet_dir_close(struct testnet_dir *d)
{
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    d->lock_fd = -1;
    if (d->temporary)
        (void)nftw(d->path, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS);
    d->temporary = false;
}

/* ---- files ---- */

/* A file under another name, to be renamed once it is whole. */
struct draft {
    FILE *f;
    char path[TESTNET_DIR_MAX + 64], aside[TESTNET_DIR_MAX + 72];
};

static err_t draft_open(struct draft *w, const struct testnet_dir *d, const char *name, mode_t mode,
                        char *why)
{
    snprintf(w->path, sizeof w->path, "%s/%s", d->path, name);
    snprintf(w->aside, sizeof w->aside, "%s.tmp", w->path);
    (void)unlink(w->aside);
    int fd = open(w->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    w->f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (w->f)
        return OK;
    err_t e = fail(why, "write", w->path);
    if (fd >= 0)
        close(fd);
    return e;
}

static err_t draft_done(struct draft *w, char *why)
{
    bool good = !ferror(w->f);
    if (fclose(w->f) != 0 || !good || rename(w->aside, w->path) != 0) {
        err_t e = fail(why, "write", w->path);
        (void)unlink(w->aside);
        return e;
    }
    return OK;
}

static const char *role_name(enum plan_role role)
{
    static const char *const names[] = {[PLAN_AUTHORITY] = "authority",
                                        [PLAN_GUARD] = "guard",
                                        [PLAN_MIDDLE] = "middle",
                                        [PLAN_EXIT] = "exit"};
    return names[role];
}

static void hex_of(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02X", bytes[i]);
}

static err_t write_torrc(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    char line[TESTNET_LINE_MAX];
    struct draft w;
    TRY(draft_open(&w, d, "client.torrc", OPEN_TO_ALL, why));
    fputs("# For any client of this test network: tor -f client.torrc --SocksPort 9150\n"
          "#   --DataDirectory some/where\n"
          "TestingTorNetwork 1\n",
          w.f);
    for (size_t i = 0; i < f->plan->n_authorities; i++)
        fprintf(w.f, "DirAuthority %s\n", testnet_authority_line(f->testnet, i, line));
    return draft_done(&w, why);
}

static const char arti_head[] = "# For Arti: arti proxy -c arti.toml -p 9150\n"
                                "#   -o storage.cache_dir='\"/some/where/cache\"' -o "
                                "storage.state_dir='\"/some/where/state\"'\n"
                                "[address_filter]\n"
                                "allow_local_addrs = true\n"
                                "[path_rules]\n"
                                "ipv4_subnet_family_prefix = 33\n"
                                "ipv6_subnet_family_prefix = 129\n"
                                "[tor_network.authorities]\n"
                                "uploads = []\n"
                                "downloads = []\n"
                                "votes = []\n"
                                "v3idents = [";

static void write_arti_cache(FILE *out, const struct plan_node *n, const struct identity *id)
{
    char rsa[41], ed[BASE64_SIZE(sizeof id->ed.pub.b)], at[IPPORT_TEXT_MAX];
    hex_of(id->rsa_id.b, sizeof id->rsa_id.b, rsa);
    base64_encode(id->ed.pub.b, sizeof id->ed.pub.b, false, ed);
    fprintf(out,
            "[[tor_network.fallback_caches]]\n"
            "rsa_identity = \"%s\"\n"
            "ed_identity = \"%s\"\n"
            "orports = [\"%s\"]\n",
            rsa, ed, ipport_text(&n->or_port, at));
}

static err_t write_arti(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    struct draft w;
    char v3[41];
    TRY(draft_open(&w, d, "arti.toml", OPEN_TO_ALL, why));
    fputs(arti_head, w.f);
    for (size_t i = 0; i < f->plan->n_authorities; i++) {
        hex_of(netdocs_v3_id(testnet_docs(f->testnet), i), 20, v3);
        fprintf(w.f, "%s\"%s\"", i ? ", " : "", v3);
    }
    fputs("]\n", w.f);
    for (size_t i = 0; i < f->plan->n_nodes; i++)
        write_arti_cache(w.f, &f->plan->node[i], &f->ids[i]);
    return draft_done(&w, why);
}

static err_t write_fingerprints(const struct testnet_dir *d, const struct testnet_facts *f,
                                char *why)
{
    char hex[41];
    struct draft w;
    TRY(draft_open(&w, d, "fingerprints", OPEN_TO_ALL, why));
    for (size_t i = 0; i < f->plan->n_nodes; i++) {
        hex_of(f->ids[i].rsa_id.b, sizeof f->ids[i].rsa_id.b, hex);
        fprintf(w.f, "%s %s\n", f->plan->node[i].nickname, hex);
    }
    return draft_done(&w, why);
}

static void write_node(FILE *out, const struct plan_node *n, const struct identity *id, bool last)
{
    char ip[IP_TEXT_MAX], rsa[41], ed[65];
    hex_of(id->rsa_id.b, sizeof id->rsa_id.b, rsa);
    hex_of(id->ed.pub.b, sizeof id->ed.pub.b, ed);
    fprintf(out,
            "  {\"nickname\": \"%s\", \"role\": \"%s\", \"address\": \"%s\", \"or_port\": %u, "
            "\"dir_port\": %u, \"fingerprint\": \"%s\", \"ed25519\": \"%s\", "
            "\"bandwidth_kb\": %u, \"policy\": \"%s\"}%s\n",
            n->nickname, role_name(n->role), ip_text(&n->or_port.ip, ip), n->or_port.port,
            n->dir_port, rsa, ed, n->bandwidth_kb, n->policy, last ? "" : ",");
}

static err_t write_nodes(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    char to[IPPORT_TEXT_MAX];
    const struct plan *p = f->plan;
    struct draft w;
    TRY(draft_open(&w, d, "nodes.json", OPEN_TO_ALL, why));
    fprintf(w.f, "{\"pid\": %ld,\n", (long)getpid());
    if (f->socks_port)
        fprintf(w.f, " \"socks\": \"127.0.0.1:%u\",\n", f->socks_port);
    fprintf(w.f, " \"page\": \"127.0.0.1:%u\", \"phantoms\": %u, \"hosts\": {", f->page_port,
            p->phantoms);
    for (size_t i = 0; i < f->n_hosts; i++) {
        fprintf(w.f, "%s\"%s", i ? ", " : "", f->hosts[i].name);
        if (f->hosts[i].port)
            fprintf(w.f, ":%u", f->hosts[i].port);
        fprintf(w.f, "\": \"%s\"", ipport_text(&f->hosts[i].to, to));
    }
    fputs("},\n \"nodes\": [\n", w.f);
    for (size_t i = 0; i < p->n_nodes; i++)
        write_node(w.f, &p->node[i], &f->ids[i], i + 1 == p->n_nodes);
    fputs(" ]}\n", w.f);
    return draft_done(&w, why);
}

static err_t make_folder(const struct testnet_dir *d, const char *name, char *why)
{
    char path[TESTNET_DIR_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", d->path, name);
    return mkdir(path, OWN_DIR) == 0 || errno == EEXIST ? OK : fail(why, "make", path);
}

/* Every key follows from the seed (and the numbers on the command line), so the seed is what is
 * kept; the fingerprints of a folder stay the same from run to run. */
static err_t write_keys(const struct testnet_dir *d, const struct testnet_facts *f, char *why)
{
    char hex[65];
    struct draft w;
    TRY(make_folder(d, "keys", why));
    TRY(draft_open(&w, d, "keys/seed", OWN, why));
    fprintf(w.f, "%" PRIu64 "\n", f->seed);
    TRY(draft_done(&w, why));
    TRY(draft_open(&w, d, "keys/ed25519", OWN, why));
    for (size_t i = 0; i < f->plan->n_nodes; i++) {
        hex_of(f->ids[i].ed_seed, sizeof f->ids[i].ed_seed, hex);
        fprintf(w.f, "%s %s\n", f->plan->node[i].nickname, hex);
    }
    return draft_done(&w, why);
}

/* What `tunic measure` finds by itself: whom the relays allow to measure them. */
static err_t write_coordinator(const struct testnet_dir *d, const struct testnet_facts *f,
                               char *why)
{
    uint8_t text[IDENTITY_FILE_MAX];
    struct wr w = wr_over(text, sizeof text);
    struct draft draft;
    if (!f->coordinator)
        return OK;
    TRY(make_folder(d, "measure", why));
    TRY(identity_file_write(f->coordinator, &w));
    TRY(draft_open(&draft, d, "measure/coord.id", OWN, why));
    fwrite(text, 1, w.len, draft.f);
    secret_wipe(text, sizeof text);
    return draft_done(&draft, why);
}

err_t testnet_dir_write(const struct testnet_dir *d, const struct testnet_facts *f,
                        char why[TESTNET_FILES_WHY])
{
    TRY(write_keys(d, f, why));
    TRY(write_coordinator(d, f, why));
    TRY(write_torrc(d, f, why));
    TRY(write_arti(d, f, why));
    TRY(write_fingerprints(d, f, why));
    return write_nodes(d, f, why);
}

err_t testnet_dir_seed(const struct testnet_dir *d, uint64_t *seed)
{
    char path[TESTNET_DIR_MAX + 64], text[32];
    snprintf(path, sizeof path, "%s/keys/seed", d->path);
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_NOT_FOUND;
    bool got = fgets(text, sizeof text, f);
    fclose(f);
    text[got ? strcspn(text, "\n") : 0] = 0;
    return text_u64(text, UINT64_MAX, seed) == OK ? OK : ERR_NOT_FOUND;
}

void testnet_counts_json(FILE *out, const struct testnet *t, const char *between)
{
    size_t n = testnet_nodes(t);
    fprintf(out, "{%s", between);
    for (size_t i = 0; i < n; i++) {
        struct node *node = testnet_node(t, i);
        struct node_counts c = node_counts(node);
        fprintf(out,
                " \"%s\": {\"links\": %" PRIu64 ", \"circuits\": %" PRIu64 ", \"streams\": %" PRIu64
                ", \"links_ever\": %" PRIu64 ", \"circuits_ever\": %" PRIu64
                ", \"streams_ever\": %" PRIu64 ", \"cells_in\": %" PRIu64
                ", \"cells_out\": %" PRIu64 ", \"client_bytes_in\": %" PRIu64
                ", \"client_bytes_out\": %" PRIu64 ", \"echoes\": %" PRIu64
                ", \"measurements\": %" PRIu64 ", \"create_fast\": %" PRIu64 ", \"ntor\": %" PRIu64
                ", \"ntor_v3\": %" PRIu64 ", \"cgo\": %" PRIu64 ", \"conflux_links\": %" PRIu64
                ", \"conflux_switches\": %" PRIu64 ", \"queued_bytes\": %" PRIu64 "}%s%s",
                node_plan(node)->nickname, c.links, c.circuits, c.streams, c.links_ever,
                c.circuits_ever, c.streams_ever, c.cells_in, c.cells_out, c.client_in, c.client_out,
                c.echoes, c.measurements, c.handshakes_fast, c.handshakes_ntor,
                c.handshakes_ntor_v3, c.handshakes_cgo, c.conflux_links, c.conflux_switches,
                c.queued, i + 1 < n ? "," : "", between);
    }
    fputs("}\n", out);
}

err_t testnet_dir_counts(const struct testnet_dir *d, const struct testnet *t,
                         char why[TESTNET_FILES_WHY])
{
    struct draft w;
    TRY(draft_open(&w, d, "counts.json", OPEN_TO_ALL, why));
    testnet_counts_json(w.f, t, "\n");
    return draft_done(&w, why);
}
