/* A client with a small network and its cache files in memory; nothing that it dials is reached.
 * Include it in one file of a test. */
#ifndef TUNIC_TESTS_KNOWNCLIENT_H
#define TUNIC_TESTS_KNOWNCLIENT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"
#include "client/client.h"
#include "crypto/encode.h"
#include "link/link.h"
#include "support/docnet.h"

enum { KNOWN_FILES_MOST = 1 << 20 };

static struct {
    struct docnet *net;
    struct client *client;
    struct text file[DIR_FILE_N]; /* as they are stored; .s NULL: there is none */
    char *microdescs;
    struct link *link; /* that was dialled last */
} known;

/* ---- the world ---- */

static inline void known_dial(void *world, struct link *l, const struct reach *to)
{
    (void)world, (void)to;
    known.link = l;
}

static inline void known_no_link(void *world, struct link *l)
{
    (void)world, (void)l;
}

static inline err_t known_store(void *world, const char *name, const struct text *parts, size_t n,
                                bool append)
{
    (void)world, (void)name, (void)parts, (void)n, (void)append;
    return OK;
}

static inline err_t known_read_back(void *world, const char *name, struct blob *out)
{
    (void)world;
    for (size_t i = 0; i < DIR_FILE_N; i++) {
        if (strcmp(name, dir_file_name((enum dir_file)i)) != 0 || !known.file[i].s)
            continue;
        *out = blob_copy(known.file[i]);
        ck_assert_ptr_nonnull(out->release);
        return OK;
    }
    return ERR_NOT_FOUND;
}

static inline err_t known_set_aside(void *world, const char *name)
{
    (void)world, (void)name;
    return OK;
}

static const struct client_world known_ops = {.dial = known_dial,
                                              .output = known_no_link,
                                              .hangup = known_no_link,
                                              .store = known_store,
                                              .read_back = known_read_back,
                                              .set_aside = known_set_aside};

static inline char *known_authority_line(size_t i)
{
    const struct plan_node *p = &known.net->plan.node[i];
    char v3[HEX_SIZE(20)], fp[HEX_SIZE(20)], at[IPPORT_TEXT_MAX];
    const struct ipport dir = {p->or_port.ip, 80};
    return text_printf("%s orport=%u v3ident=%s %s %s", p->nickname, p->or_port.port,
                       hex_upper(netdocs_v3_id(known.net->docs, i), 20, v3), ipport_text(&dir, at),
                       hex_upper(known.net->id[i].rsa_id.b, 20, fp));
}

/* The microdescriptors of all relays, one after the other. */
static inline char *known_all_microdescs(void)
{
    struct text_out out = text_out(KNOWN_FILES_MOST);
    struct sha256 digest;
    struct text md;
    for (size_t i = 0; (md = netdocs_microdesc_at(known.net->docs, i, &digest)).len; i++)
        out_add(&out, md.s, md.len);
    return out.s;
}

static inline void known_load(enum dir_file file)
{
    struct blob bytes;
    ck_ok(known_read_back(NULL, dir_file_name(file), &bytes));
    ck_ok(client_load(known.client, dir_file_name(file), bytes));
}

/* WHETHER: with the network; else it knows nothing. UNATTACHED: streams are left to controllers. */
static inline void known_begin(bool whether, bool unattached)
{
    struct client_config config = client_config_defaults(true);
    const char *lines[4] = {NULL};
    char why[CLIENT_WHY_MAX];
    known.net = docnet_usual(3);
    for (size_t i = 0; i < 3; i++)
        lines[i] = known_authority_line(i);
    config.dir_authorities = lines;
    config.leave_streams_unattached = unattached;
    ck_ok(client_new(known.net->env, &config, &known_ops, NULL, &known.client, why));
    for (size_t i = 0; i < 3; i++)
        free((void *)(uintptr_t)lines[i]);
    if (!whether)
        return;
    known.microdescs = known_all_microdescs();
    known.file[DIR_FILE_CERTS] = netdocs_key_certs(known.net->docs);
    known.file[DIR_FILE_CONSENSUS] =
        netdocs_consensus(known.net->docs, CONSDOC_MICRODESC, NETDOCS_HONEST);
    known.file[DIR_FILE_MICRODESCS] = text_of(known.microdescs);
    known_load(DIR_FILE_CERTS);
    known_load(DIR_FILE_CONSENSUS);
    known_load(DIR_FILE_MICRODESCS);
    client_start(known.client);
    ck_assert_ptr_nonnull(dirmgr_netdir(client_dirmgr(known.client)));
}

static inline void known_end(void)
{
    client_free(known.client);
    docnet_free(known.net);
    free(known.microdescs);
    memset(&known, 0, sizeof known);
}

#endif
