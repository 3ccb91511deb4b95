#include "app/measure/whom.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "dir/consensus.h"
#include "host/disk.h"
#include "measure/consent.h"

PRINTF_LIKE(2, 3)
static err_t complain(char why[WHOM_WHY], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, WHOM_WHY, fmt, args);
    va_end(args);
    return ERR_NOT_FOUND;
}

/* "$" and 40 hex digits, or these alone. */
static bool fingerprint_of(const char *word, struct rsa_id *out)
{
    struct text t = text_of(word);
    if (t.len && t.s[0] == '$')
        t = (struct text){t.s + 1, t.len - 1};
    return hex_decode_exact(t, out->b, sizeof out->b) == OK;
}

/* ---- a test network ---- */

static const char *member(const json_t *node, const char *name)
{
    const char *s = json_string_value(json_object_get(node, name));
    return s ? s : "";
}

static err_t take_node(const json_t *node, struct whom *out, char why[WHOM_WHY])
{
    struct meas_relay *r = &out->relay;
    json_int_t port = json_integer_value(json_object_get(node, "or_port"));
    *out = (struct whom){.relay = {.n_addrs = 1, .has_fp = true, .has_ed25519 = true}};
    snprintf(out->name, sizeof out->name, "%s", member(node, "nickname"));
    r->addrs[0].port = (uint16_t)port;
    if (port <= 0 || port > UINT16_MAX ||
        ip_parse(member(node, "address"), false, &r->addrs[0].ip) != OK ||
        hex_decode_exact(text_of(member(node, "fingerprint")), r->fp.b, sizeof r->fp.b) != OK ||
        hex_decode_exact(text_of(member(node, "ed25519")), r->ed25519.b, sizeof r->ed25519.b) != OK)
        return complain(why, "nodes.json says nothing useful of \"%s\"", out->name);
    return OK;
}

static err_t find_node(const char *word, const char *path, struct whom *out, char why[WHOM_WHY])
{
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error), *nodes = json_object_get(all, "nodes"), *node;
    err_t e = complain(why, "there is no relay \"%s\" in %s", word, path);
    size_t i;
    if (!all)
        e = complain(why, "cannot read %s: %s", path, error.text);
    json_array_foreach(nodes, i, node)
    {
        const char *fp = word[0] == '$' ? word + 1 : word;
        if (text_is_nocase(text_of(word), member(node, "nickname")) ||
            text_is_nocase(text_of(fp), member(node, "fingerprint"))) {
            e = take_node(node, out, why);
            break;
        }
    }
    json_decref(all);
    return e;
}

/* ---- a client's consensus ---- */

static err_t find_router(const char *word, const struct consensus *c, struct whom *out,
                         char why[WHOM_WHY])
{
    struct rsa_id fp;
    bool by_fp = fingerprint_of(word, &fp);
    const struct router *found = NULL;
    for (size_t i = 0; i < c->n_relays; i++) {
        const struct router *r = &c->relays[i];
        if (by_fp ? !rsa_id_equal(&r->rsa, &fp) : !text_is_nocase(text_of(word), r->nickname))
            continue;
        if (found)
            return complain(why, "several relays are called \"%s\": say its fingerprint", word);
        found = r;
    }
    if (!found)
        return complain(why, "the consensus has no relay \"%s\"", word);
    *out = (struct whom){.relay = {.fp = found->rsa, .has_fp = true, .n_addrs = 1}};
    out->relay.addrs[0] = router_orport(found);
    out->relay.addrs[1] = router_orport6(found);
    if (out->relay.addrs[1].ip.family != IP_NONE)
        out->relay.n_addrs = 2;
    snprintf(out->name, sizeof out->name, "%s", found->nickname);
    return OK;
}

static err_t find_in_consensus(const char *word, FILE *f, struct whom *out, char why[WHOM_WHY])
{
    char *text = NULL;
    struct consensus *c = NULL;
    err_t e = disk_read_stream(f, &text);
    if (e == OK)
        e = consensus_parse(text_of(text), &c);
    e = e == OK ? find_router(word, c, out, why)
                : complain(why, "the consensus cannot be read: %s", err_text(e));
    consensus_free(&c);
    free(text);
    return e;
}

/* ---- the word ---- */

static err_t find_in_folder(const char *word, const char *folder, struct whom *out,
                            char why[WHOM_WHY])
{
    char path[4096];
    snprintf(path, sizeof path, "%s/nodes.json", folder);
    FILE *f = fopen(path, "re");
    if (f) {
        fclose(f);
        return find_node(word, path, out, why);
    }
    snprintf(path, sizeof path, "%s/cached-microdesc-consensus", folder);
    f = fopen(path, "re");
    if (!f)
        return complain(why, "cannot read \"%s\": %s", path, strerror(errno));
    err_t e = find_in_consensus(word, f, out, why);
    fclose(f);
    return e;
}

err_t whom_find(const char *word, const char *folder, struct whom *out, char why[WHOM_WHY])
{
    struct ipport at;
    char bad[CONSENT_WHY_MAX];
    if (ipport_parse(word, &at) == OK && at.port) {
        if (consent_check_address(&at, bad) != OK)
            return complain(why, "%s", bad);
        *out = (struct whom){.relay = {.n_addrs = 1}};
        out->relay.addrs[0] = at;
        ipport_text(&at, out->name);
        return OK;
    }
    if (consent_port_is_wrong(word) || ipport_parse(word, &at) == OK)
        return complain(why, "\"%.100s\": a port is a number of 1 to 65535", word);
    if (strchr(word, ':') || strchr(word, '.'))
        return complain(why,
                        "\"%.100s\" is no ADDRESS:PORT, the address in numbers: names are "
                        "never looked up",
                        word);
    if (!folder)
        return complain(why,
                        "who is \"%.100s\"? Say ADDRESS:PORT, or --data-directory of a client "
                        "that has a consensus",
                        word);
    return find_in_folder(word, folder, out, why);
}
