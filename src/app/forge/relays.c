#include "app/forge/relays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"

/* ---- keys ---- */

/* DIR itself, or the keys folder of a DataDirectory. */
static const char *keys_folder(const char *dir, char path[FORGE_PATH_MAX])
{
    int n = snprintf(path, FORGE_PATH_MAX, "%s/keys/%s", dir, forge_key_file(FORGE_KEY_RSA));
    bool below = n > 0 && n < FORGE_PATH_MAX && access(path, F_OK) == 0;
    snprintf(path, FORGE_PATH_MAX, below ? "%s/keys" : "%s", dir);
    return path;
}

static err_t take_key(struct forge_run *r, const char *folder, enum forge_key key,
                      struct forge_keys *k, bool *there)
{
    char path[FORGE_PATH_MAX + 64];
    struct docw bytes = {0};
    snprintf(path, sizeof path, "%s/%s", folder, forge_key_file(key));
    err_t err = forge_file_read(path, &bytes, r->why);
    *there = err == OK;
    if (err == OK && (err = forge_keys_take(k, key, docw_text(&bytes))) != OK)
        forge_run_fail(r, err, "--keys: %.300s %s", path,
                       key == FORGE_KEY_ED_PUBLIC
                           ? "is not the public half of ed25519_master_id_secret_key"
                           : "is no key as tor writes it (RSA keys: PEM, 1024 bits)");
    forge_wipe_text(&bytes);
    return err;
}

/* What is not there stays as it was made; but the identities are what --keys is for. */
static err_t take_keys(struct forge_run *r, struct forge_keys *k)
{
    char folder[FORGE_PATH_MAX];
    bool rsa, secret, there;
    keys_folder(r->args.keys, folder);
    TRY(take_key(r, folder, FORGE_KEY_RSA, k, &rsa));
    err_t err = take_key(r, folder, FORGE_KEY_ED_SECRET, k, &secret);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    err = take_key(r, folder, FORGE_KEY_ED_PUBLIC, k, &there);
    if (err == ERR_BAD_KEY && !secret)
        return forge_run_fail(r, err,
                              "--keys: %.300s has no ed25519_master_id_secret_key; bring it "
                              "there from where it is kept",
                              folder);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    for (enum forge_key key = FORGE_KEY_TAP; key < FORGE_KEYS; key++) {
        err = take_key(r, folder, key, k, &there);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
    }
    *r->why = 0; /* an optional file that is missing is no error */
    return OK;
}

static err_t save_keys(struct forge_run *r, const struct forge_keys *k)
{
    char hex[HEX_SIZE(20)], name[FORGE_NAME_MAX];
    err_t err = OK;
    hex_upper(k->id.rsa_id.b, sizeof k->id.rsa_id.b, hex);
    for (enum forge_key key = 0; r->args.out && !r->args.keys && key < FORGE_KEYS && err == OK;
         key++) {
        struct docw bytes = {0};
        snprintf(name, sizeof name, "keys/%s/keys/%s", hex, forge_key_file(key));
        forge_keys_write(k, key, &bytes);
        err = bytes.err;
        if (err == OK)
            err = forge_file_write(r->args.out, name, true, docw_text(&bytes), r->why);
        forge_wipe_text(&bytes);
    }
    return err;
}

/* ---- relays ---- */

/* With nothing said about it, every third relay of a network is an exit. */
static const char *policy_of(const struct forge_args *a, unsigned n)
{
    bool network = a->kind == FORGE_CONSENSUS || a->kind == FORGE_VOTE;
    return a->relay.policy ? a->relay.policy : network && n % 3 == 0 ? "accept *:*" : NULL;
}

static err_t make_relay(struct forge_run *r, unsigned n, bool alone, const struct forge_keys *keys)
{
    char nickname[NICKNAME_MAX + 12];
    struct forge_relay_wish wish = r->args.relay;
    struct forge_relay relay;
    snprintf(nickname, sizeof nickname, "%.19s%u", wish.nickname ? wish.nickname : "", n);
    if (wish.nickname && !alone)
        wish.nickname = nickname;
    wish.policy = policy_of(&r->args, n);
    err_t err = forge_relay_make(&wish, n, keys, &relay);
    if (err != OK)
        return forge_run_fail(r, err, "the descriptor cannot be made: %s", err_text(err));
    docw_add(&r->servers, docw_text(&relay.server));
    docw_add(&r->extras, docw_text(&relay.extra));
    err = forge_run_save(r, "server-descriptors", relay.server_digests.sha1,
                         sizeof relay.server_digests.sha1, docw_text(&relay.server));
    if (err == OK)
        err = forge_run_save(r, "extra-infos", relay.extra_digests.sha1,
                             sizeof relay.extra_digests.sha1, docw_text(&relay.extra));
    if (err == OK)
        err = save_keys(r, keys);
    forge_relay_free(&relay);
    return err;
}

err_t forge_relays_make(struct forge_run *r, unsigned n)
{
    for (unsigned i = 1; i <= n; i++) {
        struct forge_keys keys;
        err_t err = forge_keys_make(&r->env, &keys);
        if (err == OK && r->args.keys)
            err = take_keys(r, &keys);
        if (err == OK)
            err = make_relay(r, i, n == 1, &keys);
        forge_keys_wipe(&keys);
        TRY(err);
    }
    return r->servers.err != OK ? r->servers.err : r->extras.err;
}

/* ---- descriptors ---- */

void forge_relays_free_descs(struct forge_descs *d)
{
    for (size_t i = 0; i < d->n; i++)
        forge_desc_free(&d->desc[i]);
    free(d->desc);
    *d = (struct forge_descs){.n = 0};
}

static struct forge_desc *room(struct forge_descs *d)
{
    if (d->n & (d->n - 1)) /* doubles at powers of two */
        return &d->desc[d->n];
    struct forge_desc *more = realloc(d->desc, (d->n ? 2 * d->n : 1) * sizeof *more);
    if (!more)
        return NULL;
    d->desc = more;
    return &more[d->n];
}

static err_t read_descs(struct forge_run *r, struct forge_descs *out)
{
    struct text rest = docw_text(&r->servers);
    const char *why;
    while (out->n < CONSENSUS_RELAYS_MAX) {
        struct forge_desc *d = room(out);
        if (!d)
            return ERR_NOMEM;
        err_t err = forge_desc_next(&rest, d, &why);
        if (err == ERR_NOT_FOUND)
            return OK;
        if (err != OK)
            return forge_run_fail(r, err, "server descriptor %zu: %s", out->n + 1, why);
        out->n++;
    }
    return forge_run_fail(r, ERR_LIMIT, "there can be %d relays at most", CONSENSUS_RELAYS_MAX);
}

static err_t add_phantoms(struct forge_run *r, struct forge_descs *out)
{
    struct spread *s;
    uint32_t n = r->args.phantoms;
    if (!n)
        return OK;
    if (out->n + n > CONSENSUS_RELAYS_MAX)
        return forge_run_fail(r, ERR_LIMIT, "there can be %d relays at most", CONSENSUS_RELAYS_MAX);
    err_t err = spread_new(&r->env, n, r->args.spread, &s);
    for (uint32_t i = 0; i < n && err == OK; i++) {
        struct forge_desc *d = room(out);
        err = d ? forge_desc_phantom(s, i, r->args.relay.published_s, d) : ERR_NOMEM;
        out->n += err == OK;
    }
    spread_free(&s);
    return err;
}

err_t forge_relays_descs(struct forge_run *r, unsigned default_count, struct forge_descs *out)
{
    unsigned count = r->args.count;
    *out = (struct forge_descs){.n = 0};
    if (!count && !r->args.n_relay_files && !r->args.phantoms)
        count = default_count;
    for (size_t i = 0; i < r->args.n_relay_files; i++) {
        size_t before = r->servers.len;
        TRY(forge_file_read(r->args.relay_file[i], &r->servers, r->why));
        if (r->servers.len == before)
            return forge_run_fail(r, ERR_NOT_FOUND, "--relays \"%.300s\": there is nothing in it",
                                  r->args.relay_file[i]);
    }
    TRY(forge_relays_make(r, count));
    err_t err = read_descs(r, out);
    if (err == OK)
        err = add_phantoms(r, out);
    if (err != OK)
        forge_relays_free_descs(out);
    return err;
}
