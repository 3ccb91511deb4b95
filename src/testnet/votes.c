/* Votes (dir-spec 3.4.1): what each authority said before they agreed. All say the same here, and
 * none speaks of phantoms: votes are read by people and by tests, and stay small so. */
#include "testnet/docs_int.h"

#include <string.h>

#include "crypto/hash.h"

#define METHODS      "32 33 34 35"
#define METHODS_LIST "32,33,34,35"

static void write_header(const struct docs *d, const struct docs_authority *a,
                         const struct docs_times *t, struct docw *w)
{
    docw_add(w, TEXT_LIT("network-status-version 3\nvote-status vote\n"
                         "consensus-methods " METHODS "\n"));
    docw_date(w, "published", t->valid_after_s);
    docs_write_times(w, t);
    docs_write_protocols(w);
    docs_write_flags(w, "known-flags", ~(unsigned)RELAY_NOEDCONSENSUS);
    docw_fmt(w,
             "flag-thresholds stable-uptime=0 stable-mtbf=0 fast-speed=0 guard-wfu=0.000%% "
             "guard-tk=0 guard-bw-inc-exits=0 guard-bw-exc-exits=0 enough-mtbf=0 "
             "ignoring-advertised-bws=0\nparams %s\n",
             d->params);
    docs_write_source(w, a);
    docw_add(w, docw_part(&d->certs, a->cert));
}

static void write_relay(const struct docs *d, const struct docs_relay *r, struct docw *w)
{
    docs_write_r(w, r, r->descriptor_sha1, d->made_s, false);
    docs_write_flags(w, "s", docs_relay_flags(r));
    docw_fmt(w, "v " DOCS_VERSION "\npr " DOCS_PROTOS "\nw Bandwidth=%u Measured=%u\n",
             docs_relay_bandwidth(r), docs_relay_bandwidth(r));
    docs_write_policy(w, "p", r);
    docw_add(w, TEXT_LIT("id ed25519 "));
    docw_base64(w, r->ed.b, sizeof r->ed.b);
    docw_add(w, TEXT_LIT("\nm " METHODS_LIST " sha256="));
    docw_base64(w, r->microdesc_sha256, sizeof r->microdesc_sha256);
    docw_add(w, TEXT_LIT("\n"));
}

static err_t make_vote(const struct docs *d, struct docs_authority *a, const struct docs_times *t)
{
    struct docw *w = &a->vote;
    docw_free(w);
    write_header(d, a, t, w);
    for (size_t i = 0; i < d->n_relays; i++)
        if (d->relay[i].plan)
            write_relay(d, &d->relay[i], w);
    docw_add(w, TEXT_LIT("directory-footer\ndirectory-signature "));
    if (w->err != OK)
        return w->err;
    uint8_t digest[SHA1_LEN];
    sha1(w->s, w->len, digest);
    memcpy(a->vote_digest, digest, sizeof a->vote_digest);
    docw_hex(w, a->identity.b, sizeof a->identity.b);
    docw_add(w, TEXT_LIT(" "));
    docw_hex(w, a->signing.b, sizeof a->signing.b);
    docw_add(w, TEXT_LIT("\n"));
    docw_rsa_sign(w, a->signing_key, digest, sizeof digest, "SIGNATURE");
    return w->err;
}

err_t docs_make_votes(struct docs *d, const struct docs_times *t)
{
    for (size_t i = 0; i < docs_authority_count(d); i++)
        TRY(make_vote(d, &d->authority[i], t));
    return OK;
}
