#include "app/forge/forge.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/forge/net.h"
#include "app/forge/relays.h"
#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

enum { STATUS_DONE, STATUS_FAILED, STATUS_USAGE };

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic forge: %s\n", why);
    return status;
}

/* ---- kinds ---- */

static err_t relays(struct forge_run *r, struct docw *out)
{
    bool extra = r->args.kind == FORGE_EXTRA_INFO;
    const struct forge_edits edits = {r->args.edit, r->args.n_edits};
    *(extra ? &r->args.relay.extra : &r->args.relay.server) = edits;
    TRY(forge_relays_make(r, r->args.count ? r->args.count : 1));
    docw_add(out, docw_text(extra ? &r->extras : &r->servers));
    return OK;
}

static err_t microdescs(struct forge_run *r, struct docw *out)
{
    struct forge_descs descs;
    err_t err = forge_relays_descs(r, 1, &descs);
    for (size_t i = 0; i < descs.n && err == OK; i++) {
        struct docw *w = &descs.desc[i].microdesc;
        uint8_t digest[SHA256_LEN];
        edit_apply(r->args.edit, r->args.n_edits, w, 0, w->len);
        if ((err = w->err) != OK)
            break;
        sha256(w->s, w->len, digest);
        docw_add(out, docw_text(w));
        err = forge_run_save(r, "microdescs", digest, sizeof digest, docw_text(w));
    }
    forge_relays_free_descs(&descs);
    return err;
}

static err_t produce(struct forge_run *r, struct docw *out)
{
    int64_t now_s = env_wall_s(&r->env);
    r->args.relay.published_s = r->args.published_s == INT64_MIN ? now_s : r->args.published_s;
    r->args.relay.unsigned_only = r->args.unsigned_only;
    switch (r->args.kind) {
    case FORGE_SERVER:
    case FORGE_EXTRA_INFO:
        return relays(r, out);
    case FORGE_MICRODESC:
        return microdescs(r, out);
    case FORGE_CONSENSUS:
    case FORGE_VOTE:
        r->args.relay.unsigned_only = false; /* --unsigned is about documents that are asked for */
        return forge_net_write(r, out);
    case FORGE_KEY_CERT:
        return forge_net_write_certs(r, out);
    }
    return ERR_BUG;
}

/* ---- the run ---- */

static void seeded_random(void *arg, void *out, size_t len)
{
    struct forge_run *r = arg;
    memset(out, 0, len);
    if (aes_ctr_xor(r->stream, out, len) != OK)
        crypto_random(NULL, out, len);
}

static err_t set_env(struct forge_run *r)
{
    struct timespec t;
    struct sha256_running s;
    uint8_t key[SHA256_LEN];
    clock_gettime(CLOCK_REALTIME, &t);
    r->env.wall_us = (int64_t)t.tv_sec * (int64_t)US_PER_SEC;
    r->env.random = crypto_random;
    if (!r->args.seed)
        return OK;
    sha256_init(&s);
    sha256_add(&s, "tunic forge ", strlen("tunic forge "));
    sha256_add(&s, r->args.seed, strlen(r->args.seed));
    sha256_peek(&s, key);
    r->stream = aes_ctr_new(key, 256, NULL);
    r->env.random = seeded_random;
    r->env.random_arg = r;
    return r->stream ? OK : ERR_NOMEM;
}

static err_t print(struct forge_run *r, const struct docw *out)
{
    struct text t = docw_text(out);
    TRY(out->err);
    if (r->args.out)
        return OK;
    if (fwrite(t.s, 1, t.len, stdout) == t.len && fflush(stdout) == 0)
        return OK;
    return forge_run_fail(r, ERR_IO, "cannot write to standard output: %s", strerror(errno));
}

static err_t run(struct forge_run *r)
{
    struct docw out = {0};
    err_t err = crypto_init();
    if (err == OK)
        err = set_env(r);
    if (err == OK)
        err = produce(r, &out);
    if (err == OK)
        err = print(r, &out);
    docw_free(&out);
    docw_free(&r->servers);
    docw_free(&r->extras);
    aes_ctr_free(r->stream);
    return err;
}

int forge_main(int argc, char **argv)
{
    struct forge_run *r = calloc(1, sizeof *r);
    char why[ARG_WHY];
    int status = STATUS_DONE;
    if (!r)
        return complain(STATUS_FAILED, "out of memory");
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error like a full disk */
    if (forge_args_parse(argc, argv, &r->args, why) != OK) {
        status = complain(STATUS_USAGE, why);
    } else if (r->args.help) {
        if (fputs(forge_help, stdout) < 0 || fflush(stdout) != 0)
            status = STATUS_FAILED;
    } else {
        err_t err = run(r);
        if (err != OK)
            status = complain(STATUS_FAILED, *r->why ? r->why : err_text(err));
    }
    free(r);
    return status;
}
