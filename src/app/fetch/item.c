/* What came for a want: is it all, is it good, what is still to be asked for? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch/job.h"
#include "base/hash.h"
#include "lib/lib.h"

enum { CERT_ROUNDS = 2 };

/* ---- parts ---- */

static err_t add_part(struct item *it, const char *path, enum part_for purpose)
{
    struct part *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    p->item = it;
    p->purpose = purpose;
    p->path = text_dup(text_of(path));
    if (!p->path) {
        free(p);
        return ERR_NOMEM;
    }
    DL_APPEND(it->parts, p);
    return OK;
}

static err_t add_requests(struct item *it, const struct docs_want *w, enum part_for purpose)
{
    char path[DOCS_PATH_MAX];
    size_t n = docs_want_requests(w);
    for (size_t i = 0; i < n; i++) {
        TRY(docs_want_path(w, i, path));
        TRY(add_part(it, path, purpose));
    }
    return OK;
}

err_t item_init(struct item *it, struct job *j, size_t want)
{
    *it = (struct item){.job = j, .want = &j->args->wants[want], .word = j->args->words[want]};
    return add_requests(it, it->want, FOR_WANT);
}

void item_free(struct item *it)
{
    struct part *p, *tmp;
    docs_free(&it->docs);
    free(it->joined);
    free(it->servers);
    DL_FOREACH_SAFE (it->parts, p, tmp) {
        get_free(p->get);
        free(p->path);
        free(p);
    }
    *it = (struct item){.job = NULL};
}

/* ---- the end ---- */

static void over(struct item *it, int status)
{
    it->over = true;
    it->status = status_worse(it->status, status);
}

static void out_of_memory(struct item *it)
{
    job_say(it->job, it->word, "out of memory");
    over(it, FETCH_STATUS_FAILED);
}

/* ---- certificates ---- */

/* True: something has been asked for. */
static bool ask_for_certs(struct item *it)
{
    struct docs *docs = &it->docs;
    if (!docs->n_certs || it->cert_rounds >= CERT_ROUNDS || it->job->timed_out)
        return false;
    it->cert_rounds++;
    const struct docs_want w = {
        .kind = DOCS_KEYS, .by = DOCS_BY_PAIR, .keys = docs->certs, .n_keys = docs->n_certs};
    return add_requests(it, &w, FOR_CERTS) == OK;
}

/* The keys that sign extra-info documents are in server descriptors. */
static bool ask_for_servers(struct item *it)
{
    struct docs_want w = {.kind = DOCS_SERVER, .by = it->want->by};
    bool unproven = false;
    if (it->want->kind != DOCS_EXTRA || it->server_rounds++ || it->job->timed_out)
        return false;
    for (size_t i = 0; i < it->docs.n; i++)
        unproven |= it->docs.list[i].verdict == DOCS_UNPROVEN && it->docs.list[i].has_id;
    if (!unproven)
        return false;
    if (w.by == DOCS_BY_ALL || w.by == DOCS_BY_AUTHORITY)
        return add_requests(it, &w, FOR_SERVERS) == OK;
    w.by = DOCS_BY_FP;
    w.keys = calloc(it->docs.n, sizeof *w.keys);
    if (!w.keys)
        return false;
    for (size_t i = 0; i < it->docs.n && w.n_keys < DOCS_KEYS_MAX; i++)
        if (it->docs.list[i].has_id)
            memcpy(w.keys[w.n_keys++].id, it->docs.list[i].id.b, sizeof it->docs.list[i].id.b);
    err_t e = add_requests(it, &w, FOR_SERVERS);
    free(w.keys);
    return e == OK;
}

/* ---- the answers ---- */

/* All answers to parts of PURPOSE. *OWN is set if there are several: then they are copied there. */
static err_t join_for(struct item *it, enum part_for purpose, char **own, struct text *out)
{
    struct part *p;
    size_t len = 0, n = 0;
    free(*own);
    *own = NULL;
    *out = (struct text){"", 0};
    DL_FOREACH (it->parts, p)
        if (p->good && p->purpose == purpose) {
            *out = get_document(p->get);
            len += out->len;
            n++;
        }
    if (n < 2)
        return OK;
    char *at = *own = malloc(len + 1);
    if (!at)
        return ERR_NOMEM;
    DL_FOREACH (it->parts, p)
        if (p->good && p->purpose == purpose) {
            struct text t = get_document(p->get);
            memcpy(at, t.s, t.len);
            at += t.len;
        }
    *out = (struct text){*own, len};
    return OK;
}

static err_t join(struct item *it)
{
    return join_for(it, FOR_WANT, &it->joined, &it->text);
}

/* A document that is bad may be good elsewhere. True: it is being asked for. */
static bool retry_bad(struct item *it)
{
    char text[DOCS_WHY_MAX];
    struct part *p = it->parts;
    if (!item_count_bad(it) || !p || (p->next && p->next->purpose == FOR_WANT) || !p->good ||
        it->joined)
        return false;
    for (size_t i = 0; i < it->docs.n; i++)
        if (!item_writes(it, &it->docs.list[i]))
            snprintf(text, sizeof text, "%s", it->docs.list[i].why);
    p->saw_invalid = true;
    p->attempts[p->n_attempts - 1].final = true;
    const char *where = get_source(p->get)->spec->name;
    struct get *kept = p->get;
    p->get = NULL; /* it stays until another one is there: it may be all that we get */
    if (!job_again(it->job, p)) {
        p->get = kept;
        return false;
    }
    if (it->job->args->verbose)
        job_say(it->job, it->word, "%s: invalid: %s; trying elsewhere", where, text);
    docs_free(&it->docs);
    it->docs = (struct docs){.list = NULL};
    it->is_split = false;
    get_free(kept);
    return true;
}

/* ---- what is missing ---- */

struct lack {
    struct item *it;
    struct docs_want want; /* the same, of what is missing only */
    bool is_told;
};

static void note_missing(void *arg, size_t key, const char *text)
{
    struct lack *l = arg;
    if (l->is_told)
        job_say(l->it->job, l->it->word, "not found: %s", text);
    else
        l->want.keys[l->want.n_keys++] = l->it->want->keys[key];
}

/* Asks others for what is missing. True: it is on its way. */
static bool ask_for_more(struct item *it)
{
    struct part *last = NULL, *p;
    struct lack l = {.it = it, .want = *it->want};
    if (!it->want->n_keys || it->want->kind == DOCS_CONSENSUS || it->job->timed_out ||
        it->more_rounds >= it->job->args->retries)
        return false;
    l.want.n_keys = 0;
    l.want.keys = calloc(it->want->n_keys, sizeof *l.want.keys);
    if (!l.want.keys)
        return false;
    size_t n = docs_missing(it->want, &it->docs, note_missing, &l);
    DL_FOREACH (it->parts, p)
        if (p->purpose == FOR_WANT && p->good)
            last = p;
    bool asked = false;
    size_t source = last ? (size_t)(get_source(last->get) - it->job->sources) : 0;
    struct part *before = it->parts ? it->parts->prev : NULL;
    if (n && last && add_requests(it, &l.want, FOR_WANT) == OK && before)
        for (p = before->next; p; p = p->next) {
            memcpy(p->attempts, last->attempts, sizeof p->attempts);
            p->n_attempts = last->n_attempts;
            p->saw_not_found = true;
            p->attempts[p->n_attempts - 1] = (struct attempt){source, true};
            p->good = false;
            if (job_again(it->job, p))
                asked = true;
            else
                p->over = true;
        }
    free(l.want.keys);
    it->more_rounds++;
    it->is_split &= !asked;
    return asked;
}

static void tell_missing(struct item *it)
{
    struct lack l = {.it = it, .is_told = true};
    if (it->want->kind == DOCS_CONSENSUS)
        return;
    if (docs_missing(it->want, &it->docs, note_missing, &l))
        it->status = status_worse(it->status, FETCH_STATUS_NOT_FOUND);
}

/* ---- all of it ---- */

static void conclude(struct item *it)
{
    bool raw = it->job->args->raw;
    item_tell_source(it);
    item_tell_failures(it);
    if (!raw)
        item_tell_verdicts(it);
    if (!raw && it->docs.n)
        tell_missing(it);
    if (!it->text.len && !it->status) {
        job_say(it->job, it->word, "not found: the answer from %s is empty", item_where_from(it));
        it->status = FETCH_STATUS_NOT_FOUND;
    }
    over(it, FETCH_STATUS_DONE);
}

static err_t judge(struct item *it)
{
    if (!it->is_split) { /* once split, DOCS stay: what came now proves them */
        docs_free(&it->docs);
        it->docs = (struct docs){.list = NULL};
        TRY(join(it));
        TRY(docs_split(it->want, it->text, &it->docs));
        it->is_split = true;
    }
    if (it->job->args->no_verify)
        return OK;
    struct part *p;
    DL_FOREACH (it->parts, p)
        if (p->purpose == FOR_CERTS && p->good)
            TRY(job_take_certs(it->job, get_document(p->get)));
    struct text servers;
    TRY(join_for(it, FOR_SERVERS, &it->servers, &servers));
    const struct docs_trust trust = item_trust(it, servers);
    return docs_verify(it->want, &trust, &it->docs);
}

/* Extra-info documents and signatures are proven by others that come with the same command. */
static bool waits_for_others(const struct item *it)
{
    const struct job *j = it->job;
    for (size_t i = 0; i < j->args->n_wants; i++) {
        const struct item *other = &j->items[i];
        if (other->over || other == it)
            continue;
        if ((it->want->kind == DOCS_EXTRA && other->want->kind == DOCS_SERVER) ||
            (it->want->kind == DOCS_SIGNATURES && other->want->kind == DOCS_CONSENSUS))
            return true;
    }
    return false;
}

void item_judge(struct item *it)
{
    const struct part *p;
    bool any = false;
    DL_FOREACH (it->parts, p) {
        if (!p->over)
            return;
        any |= p->good && p->purpose == FOR_WANT;
    }
    if (waits_for_others(it))
        return;
    if (!any || it->job->args->raw) {
        if (join(it) != OK)
            out_of_memory(it);
        conclude(it);
        return;
    }
    err_t e = judge(it);
    if (e == ERR_LIMIT) {
        job_say(it->job, it->word, "invalid: more documents in one answer than there can be");
        over(it, FETCH_STATUS_INVALID);
        return;
    }
    if (e != OK) {
        out_of_memory(it);
        return;
    }
    if (!ask_for_certs(it) && !ask_for_servers(it) && !retry_bad(it) && !ask_for_more(it))
        conclude(it);
}
