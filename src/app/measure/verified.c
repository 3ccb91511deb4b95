#include "app/measure/verified.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/fetch/sources.h"
#include "dir/store.h"

static err_t know_network(const struct offline_options *o, struct sources *out,
                          char why[VERIFIED_WHY])
{
    char wrong[SOURCES_WHY] = "";
    const char *torrc = o->torrc ? o->torrc : getenv("TUNIC_TESTNET_TORRC");
    *out = (struct sources){.list = NULL};
    err_t e = torrc ? sources_read_torrc(out, torrc, wrong) : OK;
    if (e == OK)
        e = sources_complete(out, true, wrong);
    if (e != OK)
        snprintf(why, VERIFIED_WHY, "%.60s %s", torrc ? torrc : "the network",
                 *wrong ? wrong : err_text(e));
    return e;
}

/* Of another network than the one that was meant by nobody, all signatures are strangers'. */
static err_t judge(const struct offline_options *o, const struct consensus_verdict *v,
                   char why[VERIFIED_WHY])
{
    bool is_strange = !o->torrc && v->unknown && !v->good && !v->bad && !v->missing;
    if (is_strange) {
        snprintf(why, VERIFIED_WHY,
                 "its authorities are not those of the public network; --torrc FILE says whose "
                 "they are");
        return OK;
    }
    snprintf(why, VERIFIED_WHY,
             "%zu of the %zu authorities' signatures that it takes are good, %zu are wrong, %zu "
             "lack their certificates, and %zu are nobody's that we know",
             v->good, v->needed, v->bad, v->missing, v->unknown);
    return ERR_UNDERSIGNED;
}

/* By the certificates of its own time: a report may be about last month. */
static err_t verify(const struct offline_options *o, const struct consensus *c, struct text text,
                    const struct sources *network, char why[VERIFIED_WHY])
{
    struct authcert_set certs;
    struct store_report report;
    struct consensus_verdict verdict;
    authcert_set_init(&certs);
    err_t e = store_load_certs(text, &certs, &report);
    if (e == OK)
        e = consensus_verify(c, network->auths, network->n_auths, &certs, c->valid_after_s,
                             &verdict);
    if (e == ERR_UNDERSIGNED)
        e = judge(o, &verdict, why);
    else if (e != OK)
        snprintf(why, VERIFIED_WHY, "%s", err_text(e));
    authcert_set_clear(&certs);
    return e;
}

err_t verified_consensus(const struct offline_options *o, const struct consensus *c,
                         struct text certs, char why[VERIFIED_WHY])
{
    struct sources network;
    why[0] = 0;
    err_t e = know_network(o, &network, why);
    if (e == OK)
        e = verify(o, c, certs, &network, why);
    sources_free(&network);
    return e;
}
