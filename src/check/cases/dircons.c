/* Directory: consensuses, key certificates and microdescriptors (dir-spec 3, appendix B). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/cases/directory.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/consensus.h"
#include "dir/microdesc.h"

#define NS        "/tor/status-vote/current/consensus"
#define MICRODESC NS "-microdesc"
#define NOBODY    "00112233445566778899AABBCCDDEEFF00112233"

enum { PATH_MAX_LEN = 2048, SIGNERS_MOST = 16, PREFIX_CHARS = 6, HEX_ID = 40 };

/* ---- consensuses ---- */

/* The parsed microdescriptor consensus, on C; the caller frees it. */
static struct consensus *get_consensus(struct pcirc *c)
{
    struct pdir_answer a;
    struct consensus *cons = NULL;
    if (pdir_expect(c, MICRODESC, "", 200, &a)) {
        err_t e = consensus_parse(a.body, &cons);
        TRIAL_EXPECT(c->p->t, e == OK, "it is no microdescriptor consensus: %s", err_text(e));
        TRIAL_EXPECT(c->p->t, e != OK || (cons->n_relays && cons->n_sigs),
                     "it lists no relay, or nobody has signed it");
    }
    pdir_free(&a);
    return cons;
}

void dir_consensus_ns(struct trial *t)
{
    static const char *const lines[] = {
        "network-status-version", "vote-status",        "valid-after", "valid-until", "r",
        "directory-footer",       "directory-signature"};
    struct pdir_answer a;
    struct doc_item item;
    if (pdir_expect(pcirc_fast(t), NS, "", 200, &a)) {
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
            if (pdir_item(t, a.body, lines[i], &item) && i == 0)
                TRIAL_EXPECT(t, text_is(text_strip(item.args), "3"),
                             "it is a consensus of version \"%.*s\", not of the plain flavor",
                             TEXT_ARG(item.args));
    }
    pdir_free(&a);
}

void dir_consensus_microdesc(struct trial *t)
{
    struct consensus *c = get_consensus(pcirc_fast(t));
    consensus_free(&c);
}

void dir_consensus_live(struct trial *t)
{
    char text[CONSENSUS_CLOCK_TEXT_MAX];
    int64_t now = env_wall_s(t->run->env);
    struct consensus *c = get_consensus(pcirc_fast(t));
    enum liveness live = c ? consensus_liveness(c, now) : LIVE_FRESH;
    TRIAL_EXPECT(t, live != LIVE_TOO_EARLY && live != LIVE_EXPIRED, "the %s",
                 consensus_clock_text(c, now, text));
    consensus_free(&c);
}

/* All that ANSWER has; the trial fails if one is bad. */
static void read_certs(struct trial *t, const struct pdir_answer *a, struct authcert_set *out)
{
    struct text rest = a->body;
    struct authcert *cert;
    err_t e;
    while (trial_goes_on(t) && (e = authcert_parse(&rest, &cert)) != ERR_NOT_FOUND) {
        if (e == OK)
            e = authcert_set_add(out, cert);
        TRIAL_EXPECT(t, e == OK, "a key certificate is bad: %s", err_text(e));
    }
    TRIAL_EXPECT(t, out->n, "there is no key certificate");
}

void dir_consensus_signed(struct trial *t)
{
    struct pdir_answer a = {.status = 0};
    struct authcert_set certs;
    struct consensus_verdict v = {.needed = 0};
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c = get_consensus(circ);
    authcert_set_init(&certs);
    if (c && pdir_expect(circ, "/tor/keys/all", "", 200, &a)) {
        read_certs(t, &a, &certs);
        err_t e = consensus_verify(c, c->auths, c->n_auths, &certs, env_wall_s(t->run->env), &v);
        TRIAL_EXPECT(t, e == OK,
                     "of %zu authorities that it names, %zu had to sign it; %zu did, %zu "
                     "signatures are wrong, %zu are by keys without a certificate",
                     c->n_auths, v.needed, v.good, v.bad, v.missing);
    }
    authcert_set_clear(&certs);
    pdir_free(&a);
    consensus_free(&c);
}

/* ---- by who signed ---- */

static int descending(const void *a, const void *b)
{
    return strcmp(b, a);
}

/* PATH: the signers' fingerprints, each cut to CHARS, from the highest to the lowest; then MORE. */
static void path_by_signers(const struct consensus *c, size_t chars, const char *more,
                            char path[PATH_MAX_LEN])
{
    char id[SIGNERS_MOST][HEX_ID + 1];
    size_t n = 0;
    for (; c && n < c->n_sigs && n < SIGNERS_MOST; n++) {
        hex_upper(c->sigs[n].identity.b, sizeof c->sigs[n].identity.b, id[n]);
        id[n][chars] = 0;
    }
    qsort(id, n, sizeof *id, descending);
    size_t len = (size_t)snprintf(path, PATH_MAX_LEN, MICRODESC "/");
    for (size_t i = 0; i < n && len < PATH_MAX_LEN; i++)
        len += (size_t)snprintf(path + len, PATH_MAX_LEN - len, "%s%s", i ? "+" : "", id[i]);
    if (len < PATH_MAX_LEN)
        snprintf(path + len, PATH_MAX_LEN - len, "%s", more);
}

static void ask_by_signers(struct trial *t, size_t chars, const char *more, int status)
{
    char path[PATH_MAX_LEN];
    struct pdir_answer a = {.status = 0};
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c = get_consensus(circ);
    path_by_signers(c, chars, more, path);
    (void)pdir_expect(circ, path, "", status, &a);
    pdir_free(&a);
    consensus_free(&c);
}

void dir_signers_order(struct trial *t)
{
    ask_by_signers(t, HEX_ID, "", 200);
}

void dir_signers_prefix(struct trial *t)
{
    ask_by_signers(t, PREFIX_CHARS, "", 200);
}

/* One of three: not more than half of them. */
void dir_signers_too_few(struct trial *t)
{
    char path[PATH_MAX_LEN], *end;
    struct pdir_answer a = {.status = 0};
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c = get_consensus(circ);
    path_by_signers(c, HEX_ID, "", path);
    if ((end = strchr(path, '+')))
        *end = 0;
    size_t len = strlen(path);
    snprintf(path + len, sizeof path - len, "+" NOBODY "+112233445566778899AABBCCDDEEFF0011223344");
    (void)pdir_expect(circ, path, "", 404, &a);
    pdir_free(&a);
    consensus_free(&c);
}

/* ---- key certificates ---- */

void dir_keys_all(struct trial *t)
{
    struct pdir_answer a = {.status = 0};
    struct authcert_set certs;
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c = get_consensus(circ);
    authcert_set_init(&certs);
    if (c && pdir_expect(circ, "/tor/keys/all", "", 200, &a)) {
        read_certs(t, &a, &certs);
        for (size_t i = 0; i < c->n_sigs; i++)
            TRIAL_EXPECT(t, authcert_set_find(&certs, &c->sigs[i].identity, &c->sigs[i].signing),
                         "the certificate of a signer of the consensus that it serves is missing");
    }
    authcert_set_clear(&certs);
    pdir_free(&a);
    consensus_free(&c);
}

/* Asks for PATH, which has to give the certificates of the first N signers of C. */
static void expect_certs(struct pcirc *circ, const struct consensus *c, size_t n, const char *path)
{
    struct trial *t = circ->p->t;
    struct pdir_answer a;
    struct authcert_set certs;
    authcert_set_init(&certs);
    if (pdir_expect(circ, path, "", 200, &a)) {
        read_certs(t, &a, &certs);
        TRIAL_EXPECT(t, certs.n == n, "%zu key certificates came, not %zu", certs.n, n);
        for (size_t i = 0; i < n; i++)
            TRIAL_EXPECT(t, authcert_set_find(&certs, &c->sigs[i].identity, &c->sigs[i].signing),
                         "it is another certificate than asked for");
    }
    authcert_set_clear(&certs);
    pdir_free(&a);
}

struct signer {
    char id[HEX_ID + 1], sk[HEX_ID + 1];
};

/* The first N. False: the trial is over. */
static bool find_signers(struct pcirc *circ, struct consensus **c, size_t n, struct signer *out)
{
    *c = get_consensus(circ);
    if (!*c || !trial_goes_on(circ->p->t))
        return false;
    if ((*c)->n_sigs < n)
        trial_skip(circ->p->t, "only one authority has signed the consensus");
    for (size_t i = 0; i < n && i < (*c)->n_sigs; i++) {
        const struct consensus_sig *s = &(*c)->sigs[i];
        hex_upper(s->identity.b, sizeof s->identity.b, out[i].id);
        hex_upper(s->signing.b, sizeof s->signing.b, out[i].sk);
    }
    return trial_goes_on(circ->p->t);
}

void dir_keys_by_id(struct trial *t)
{
    char path[PATH_MAX_LEN];
    struct signer s;
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c;
    if (find_signers(circ, &c, 1, &s)) {
        snprintf(path, sizeof path, "/tor/keys/fp/%s", s.id);
        expect_certs(circ, c, 1, path);
    }
    consensus_free(&c);
}

void dir_keys_by_signing_key(struct trial *t)
{
    char path[PATH_MAX_LEN];
    struct signer s;
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c;
    if (find_signers(circ, &c, 1, &s)) {
        snprintf(path, sizeof path, "/tor/keys/sk/%s", s.sk);
        expect_certs(circ, c, 1, path);
    }
    consensus_free(&c);
}

void dir_keys_by_both(struct trial *t)
{
    char path[PATH_MAX_LEN];
    struct signer s;
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c;
    if (find_signers(circ, &c, 1, &s)) {
        snprintf(path, sizeof path, "/tor/keys/fp-sk/%s-%s", s.id, s.sk);
        expect_certs(circ, c, 1, path);
    }
    consensus_free(&c);
}

void dir_keys_several(struct trial *t)
{
    char path[PATH_MAX_LEN];
    struct signer s[2];
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c;
    if (find_signers(circ, &c, 2, s)) {
        snprintf(path, sizeof path, "/tor/keys/fp-sk/%s-%s+%s-%s", s[0].id, s[0].sk, s[1].id,
                 s[1].sk);
        expect_certs(circ, c, 2, path);
    }
    consensus_free(&c);
}

void dir_keys_unknown(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), "/tor/keys/fp/" NOBODY, "", 404, &a);
    pdir_free(&a);
}

/* ---- microdescriptors ---- */

enum { MICRO_MOST = 3 };
#define NO_MICRODESC "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* Asks for those of the first N relays of the consensus and MORE; what comes has to be the N. */
static void expect_microdescs(struct trial *t, size_t n, const char *more)
{
    struct pdir_answer a = {.status = 0};
    struct pcirc *circ = pcirc_fast(t);
    struct consensus *c = get_consensus(circ);
    char path[PATH_MAX_LEN] = "/tor/micro/d/", name[BASE64_SIZE(sizeof(struct sha256))];
    struct microdesc m;
    size_t came = 0;
    if (c && n > c->n_relays)
        n = c->n_relays;
    for (size_t i = 0; c && i < n; i++)
        snprintf(
            path + strlen(path), sizeof path - strlen(path), "%s%s", i ? "-" : "",
            base64_encode(c->relays[i].md_digest.b, sizeof c->relays[i].md_digest.b, false, name));
    snprintf(path + strlen(path), sizeof path - strlen(path), "%s", more);
    bool there = pdir_expect(circ, path, "", 200, &a);
    for (struct text rest = a.body; there && trial_goes_on(t) && rest.len; came++) {
        bool asked = false;
        err_t e = microdesc_next(&rest, &m);
        for (size_t i = 0; i < n; i++)
            asked |= memcmp(m.digest.b, c->relays[i].md_digest.b, sizeof m.digest.b) == 0;
        TRIAL_EXPECT(t, e == OK, "a microdescriptor is malformed");
        TRIAL_EXPECT(t, asked, "a microdescriptor came that was not asked for");
    }
    TRIAL_EXPECT(t, came == n, "%zu microdescriptors came, not %zu", came, n);
    pdir_free(&a);
    consensus_free(&c);
}

void dir_micro_one(struct trial *t)
{
    expect_microdescs(t, 1, "");
}

void dir_micro_several(struct trial *t)
{
    expect_microdescs(t, MICRO_MOST, "");
}

void dir_micro_unknown(struct trial *t)
{
    expect_microdescs(t, MICRO_MOST - 1, "-" NO_MICRODESC);
}

void dir_micro_none(struct trial *t)
{
    struct pdir_answer a;
    (void)pdir_expect(pcirc_fast(t), "/tor/micro/d/" NO_MICRODESC, "", 404, &a);
    pdir_free(&a);
}
