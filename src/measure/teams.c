#include "measure/teams.h"

#include <stdlib.h>
#include <string.h>

struct teams {
    struct teams_run pending[TEAMS_PENDING_MOST]; /* begun: a ring */
    uint32_t ids[TEAMS_PENDING_MOST];             /* of these; 0: none */
    size_t next;
    struct agree agree;
};

struct teams *teams_new(void)
{
    return calloc(1, sizeof(struct teams));
}

void teams_free(struct teams *t)
{
    free(t);
}

const struct agree *teams_agree(const struct teams *t)
{
    return &t->agree;
}

/* ---- lines ---- */

static uint64_t positive(const json_t *number)
{
    json_int_t x = json_integer_value(number);
    return x > 0 ? (uint64_t)x : 0;
}

static bool is_of_names(char c)
{
    return text_is_alnum((struct text){&c, 1}) || c == '-' || c == '_' || c == '.';
}

/* Results may be anybody's: a name becomes part of tables, pages and scripts. */
static void take_name(const char *name, char out[MSG_NAME_MAX + 1])
{
    size_t i = 0;
    for (; name[i] && i < MSG_NAME_MAX; i++)
        out[i] = '?';
    out[i] = 0;
    for (size_t k = 0; k < i; k++)
        if (is_of_names(name[k]))
            out[k] = name[k];
}

static void take_alloc(const json_t *members, struct teams_run *run)
{
    const char *name;
    json_t *number;
    json_object_foreach((json_t *)members, name, number)
    {
        if (run->n == RUN_MEMBERS_MOST)
            return;
        struct teams_member *m = &run->members[run->n++];
        *m = (struct teams_member){.alloc = positive(number)};
        take_name(name, m->name);
        run->alloc += m->alloc;
    }
}

static struct teams_member *find_or_add(struct teams_run *run, const char *name)
{
    for (size_t i = 0; i < run->n; i++)
        if (strcmp(run->members[i].name, name) == 0)
            return &run->members[i];
    if (run->n == RUN_MEMBERS_MOST)
        return NULL;
    struct teams_member *m = &run->members[run->n++];
    *m = (struct teams_member){.alloc = 0};
    memcpy(m->name, name, sizeof m->name);
    return m;
}

static void take_recv(const json_t *line, struct teams_run *run)
{
    json_t *members = json_object_get(json_object_get(line, "sec"), "m"), *list, *number;
    const json_t *rtt = json_object_get(line, "rtt_ms");
    const char *key;
    char name[MSG_NAME_MAX + 1];
    size_t i;
    json_object_foreach(members, key, list)
    {
        take_name(key, name);
        struct teams_member *m = find_or_add(run, name);
        if (!m)
            return;
        json_array_foreach(list, i, number) m->recv += positive(number);
        run->recv += m->recv;
        m->rtt_ms = (unsigned)(positive(json_object_get(rtt, key)) % 1000000);
    }
}

unsigned teams_percent(const struct teams_run *run, size_t member)
{
    const struct teams_member *m = &run->members[member];
    if (!run->alloc || !run->recv || !m->alloc)
        return 0;
    double percent =
        100 * ((double)m->recv / (double)run->recv) * ((double)run->alloc / (double)m->alloc);
    return percent < 100000 ? (unsigned)(percent + .5) : 100000;
}

/* Takes it off the list. */
static const struct teams_run *begun(struct teams *t, uint32_t id)
{
    for (size_t i = 0; i < TEAMS_PENDING_MOST; i++)
        if (t->ids[i] == id) {
            t->ids[i] = 0;
            return &t->pending[i];
        }
    return NULL;
}

static void compare(struct teams *t, const struct teams_run *run)
{
    for (size_t i = 0; i < run->n && run->n > 1; i++)
        agree_add(&t->agree, run->members[i].name, run->members[i].alloc, run->alloc,
                  run->members[i].recv, run->recv);
}

void teams_read(struct teams *t, const struct result *r, const json_t *line, struct teams_run *out)
{
    *out = (struct teams_run){.id = r->id};
    if (!r->is_end) {
        take_alloc(json_object_get(line, "alloc"), out);
        t->ids[t->next] = r->id;
        t->pending[t->next] = *out;
        t->next = (t->next + 1) % TEAMS_PENDING_MOST;
        return;
    }
    const struct teams_run *known = r->began ? begun(t, r->id) : NULL;
    if (known)
        *out = *known;
    take_recv(line, out);
    if (r->ok)
        compare(t, out);
}
