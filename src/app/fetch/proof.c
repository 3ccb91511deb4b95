/* What documents are judged by: authorities, their certificates, who has answered, and what else
 * was fetched. */
#include "app/fetch/job.h"

static bool is_authority(const struct job *j, const struct rsa_id *id)
{
    const struct sources *s = &j->args->sources;
    for (size_t i = 0; i < s->n_auths; i++)
        if (rsa_id_equal(&s->auths[i], id))
            return true;
    return false;
}

err_t job_take_certs(struct job *j, struct text text)
{
    struct authcert *cert;
    err_t e;
    while ((e = authcert_parse(&text, &cert)) != ERR_NOT_FOUND) {
        if (e == ERR_NOMEM)
            return e;
        if (e != OK)
            continue;
        /* What fits no authority would only take room. */
        if (!is_authority(j, authcert_identity(cert)))
            authcert_free(&cert);
        else if (authcert_set_add(&j->certs, cert) == ERR_NOMEM)
            return ERR_NOMEM;
    }
    return OK;
}

/* The v3 identity of the authority that has the fingerprint RSA; NULL: it is none that is known. */
static const struct rsa_id *v3_of(const struct job *j, const struct rsa_id *rsa)
{
    const struct dir_servers *known = &j->args->sources.servers;
    for (size_t i = 0; i < known->n; i++)
        if (known->list[i].is_authority && rsa_id_equal(&known->list[i].rsa, rsa))
            return &known->list[i].v3ident;
    return NULL;
}

/* Who has answered, for what is the answering server's own. */
static void trust_server(const struct item *it, struct docs_trust *t)
{
    const struct part *p = it->parts;
    const struct source *s = p && p->get ? get_source(p->get) : NULL;
    if (!s || it->want->by != DOCS_BY_AUTHORITY || !s->has_rsa)
        return;
    t->server = &s->rsa;
    t->server_ed = s->has_ed ? &s->ed : NULL;
    t->server_v3 = v3_of(it->job, &s->rsa);
}

struct docs_trust item_trust(const struct item *it, struct text servers)
{
    const struct job *j = it->job;
    struct docs_trust t = {
        .auths = j->args->sources.auths,
        .n_auths = j->args->sources.n_auths,
        .certs = &j->certs,
        .now_s = env_wall_s(net_env(j->hub->net)),
        .servers = servers,
        .consensus = {"", 0},
    };
    /* What else is fetched may prove it. */
    for (size_t i = 0; i < j->args->n_wants; i++) {
        const struct item *other = &j->items[i];
        if (!t.servers.len && other->over && other->want->kind == DOCS_SERVER)
            t.servers = other->text;
        if (other->over && other->text.len && other->want->kind == DOCS_CONSENSUS)
            t.consensus = other->text;
    }
    trust_server(it, &t);
    return t;
}
