/* Guard lines of the state file (guard-spec A.5): "K=V K=V ...", in any order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "path/guards_int.h"

/* The keys that are understood here; all others are kept as they are. */
#define GUARD_KEY_LIST(X) \
    X(in)                 \
    X(rsa_id)             \
    X(nickname)           \
    X(sampled_on)         \
    X(sampled_idx) X(sampled_by) X(unlisted_since) X(listed) X(confirmed_on) X(confirmed_idx)

enum guard_key {
#define X(name) KEY_##name,
    GUARD_KEY_LIST(X)
#undef X
#define X(name) KEY_pb_##name,
        PATHBIAS_FIELDS(X)
#undef X
            KEY_N
};

static const char *const key_names[KEY_N] = {
#define X(name) #name,
    GUARD_KEY_LIST(X)
#undef X
#define X(name) "pb_" #name,
        PATHBIAS_FIELDS(X)
#undef X
};

enum {
    GUARD_VALUE_MAX = 256,
    PATHBIAS_MOST = 1000000000, /* a count, as in tor */
    GUARD_LINE_MAX = 4096,
    GUARD_LINES_MAX = SAMPLE_N * GUARDS_MAX + GUARD_FOREIGN_MAX,
};

struct fields {
    struct text of[KEY_N];      /* s is NULL if there is none */
    char extra[GUARD_LINE_MAX]; /* "" if there is none */
};

static bool split_fields(const char *line, struct fields *out)
{
    *out = (struct fields){0};
    struct text rest = text_of(line), token;
    size_t at = 0;
    if (rest.len >= sizeof out->extra)
        return false;
    while (text_token(&rest, &token)) {
        struct text value = token, key;
        text_split(&value, '=', &key);
        size_t k = 0;
        while (k < KEY_N && !text_is(key, key_names[k]))
            k++;
        if (k < KEY_N && key.len < token.len && !out->of[k].s) {
            out->of[k] = value;
            continue;
        }
        /* Twice is once too often, as in tor. "Implementations must retain any unrecognized K=V
         * entries" */
        at += (size_t)snprintf(out->extra + at, sizeof out->extra - at, "%s%.*s", at ? " " : "",
                               TEXT_ARG(token));
    }
    return true;
}

/* A date, or 0 if there is none or it is damaged. One that lies ahead stays until a consensus says
 * what time it is (guards_update()): the clock may be wrong now. */
static int64_t field_time(struct text value)
{
    int64_t t;
    return value.s && state_time_parse(value, &t) == OK ? t : 0;
}

static int32_t field_index(struct text value, int32_t fallback)
{
    uint64_t x;
    return value.s && text_to_u64(value, INT32_MAX - 1, &x) == OK ? (int32_t)x : fallback;
}

/* A count, or 0 if there is none or it is none. */
static double field_count(struct text value)
{
    char text[32], *end;
    if (!value.s || !value.len || value.len >= sizeof text)
        return 0;
    memcpy(text, value.s, value.len);
    text[value.len] = 0;
    double x = strtod(text, &end);
    return !*end && x >= 0 && x <= PATHBIAS_MOST ? x : 0;
}

static void bias_from_fields(const struct fields *f, struct pathbias *out)
{
#define X(name) out->name = field_count(f->of[KEY_pb_##name]);
    PATHBIAS_FIELDS(X)
#undef X
}

static err_t guard_from_fields(struct guards *g, const struct fields *f, struct guard *out)
{
    *out = (struct guard){.sampled_on_s = field_time(f->of[KEY_sampled_on]),
                          .confirmed_on_s = field_time(f->of[KEY_confirmed_on]),
                          .unlisted_since_s = field_time(f->of[KEY_unlisted_since]),
                          .confirmed_idx = field_index(f->of[KEY_confirmed_idx], -1)};
    bias_from_fields(f, &out->bias);
    struct text id = f->of[KEY_rsa_id], nick = f->of[KEY_nickname], by = f->of[KEY_sampled_by];
    if (!id.s || hex_decode_exact(id, out->rsa.b, sizeof out->rsa.b) != OK)
        return ERR_MALFORMED;
    /* As tor reads them: no sampling date means now; files of old have no sampled_idx. */
    if (!out->sampled_on_s)
        out->sampled_on_s = env_wall_s(g->env);
    out->sampled_idx = field_index(f->of[KEY_sampled_idx],
                                   out->confirmed_idx >= 0 ? out->confirmed_idx : INT32_MAX);
    out->listed = f->of[KEY_listed].s && !text_is(f->of[KEY_listed], "0");
    if (out->confirmed_idx >= 0 && !out->confirmed_on_s)
        out->confirmed_on_s = env_wall_s(g->env);
    if (out->confirmed_idx < 0)
        out->confirmed_on_s = 0;
    if (nick.s && nickname_valid(nick))
        memcpy(out->nickname, nick.s, nick.len);
    out->sampled_by = by.s && by.len && by.len < GUARD_VALUE_MAX ? text_dup(by) : NULL;
    out->extra = f->extra[0] ? text_dup(text_of(f->extra)) : NULL;
    if (f->extra[0] && !out->extra) {
        guard_clear(out);
        return ERR_NOMEM;
    }
    return OK;
}

static struct sample *sample_named(struct guards *g, struct text name)
{
    for (size_t i = 0; i < SAMPLE_N; i++)
        if (text_is(name, g->samples[i].name))
            return &g->samples[i];
    return NULL;
}

static err_t keep_foreign(struct guards *g, const char *line)
{
    if (g->n_foreign >= GUARD_FOREIGN_MAX)
        return ERR_LIMIT;
    char **grown = realloc(g->foreign, (g->n_foreign + 1) * sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    g->foreign = grown;
    g->foreign[g->n_foreign] = text_dup(text_of(line));
    if (!g->foreign[g->n_foreign])
        return ERR_NOMEM;
    g->n_foreign++;
    return OK;
}

static err_t load_line(struct guards *g, const char *line)
{
    struct fields f;
    struct guard guard;
    if (!split_fields(line, &f))
        return ERR_LIMIT;
    if (!f.of[KEY_in].s || !f.of[KEY_in].len)
        return ERR_MALFORMED;
    struct sample *s = sample_named(g, f.of[KEY_in]);
    if (!s)
        return keep_foreign(g, line);
    TRY(guard_from_fields(g, &f, &guard));
    if (s->n == GUARDS_MAX || sample_find(s, &guard.rsa)) {
        guard_clear(&guard);
        return ERR_LIMIT;
    }
    /* Insertion keeps sample order, and the file's order among equals. */
    size_t at = s->n++;
    for (; at > 0 && s->list[at - 1].sampled_idx > guard.sampled_idx; at--)
        s->list[at] = s->list[at - 1];
    s->list[at] = guard;
    return OK;
}

/* Each confirmed guard gets a place of its own, so that no two claim the same. */
static void renumber_confirmed(struct sample *s)
{
    uint16_t order[GUARDS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i].confirmed_idx < 0)
            continue;
        size_t at = n++;
        for (; at > 0 && s->list[order[at - 1]].confirmed_idx > s->list[i].confirmed_idx; at--)
            order[at] = order[at - 1];
        order[at] = (uint16_t)i;
    }
    for (size_t k = 0; k < n; k++)
        s->list[order[k]].confirmed_idx = (int32_t)k;
}

static void forget_all(struct guards *g)
{
    for (size_t i = 0; i < SAMPLE_N; i++)
        sample_clear(&g->samples[i]);
    for (size_t i = 0; i < g->n_foreign; i++)
        free(g->foreign[i]);
    g->n_foreign = 0;
}

err_t guards_load(struct guards *g, const struct state *s, size_t *damaged)
{
    forget_all(g);
    *damaged = 0;
    const char *line;
    for (size_t i = 0; i < GUARD_LINES_MAX && (line = state_get(s, "Guard", i)); i++) {
        err_t e = load_line(g, line);
        if (e == ERR_NOMEM)
            return e;
        *damaged += e != OK;
    }
    for (size_t i = 0; i < SAMPLE_N; i++)
        renumber_confirmed(&g->samples[i]);
    if (*damaged)
        log_warn(g->env->log, "%zu Guard lines of the state file are damaged and left out.",
                 *damaged);
    g->unjudged = true;
    g->dirty = *damaged > 0;
    return OK;
}

bool guards_remembered(const struct guards *g)
{
    size_t n = g->n_foreign;
    for (size_t i = 0; i < SAMPLE_N; i++)
        n += g->samples[i].n;
    return n > 0;
}

struct line_wr {
    char text[GUARD_LINE_MAX + 1024];
    size_t len;
};

static void add(struct line_wr *w, const char *key, const char *value)
{
    if (!value || !*value)
        return;
    int n = snprintf(w->text + w->len, sizeof w->text - w->len, "%s%s%s", w->len ? " " : "", key,
                     value);
    if (n > 0 && (size_t)n < sizeof w->text - w->len)
        w->len += (size_t)n;
    else
        w->text[w->len] = 0; /* not reached: what is loaded is bounded */
}

static void add_time(struct line_wr *w, const char *key, int64_t t)
{
    char text[STATE_TIME_MAX];
    if (t)
        add(w, key, state_time_text(t, text));
}

static void add_number(struct line_wr *w, const char *key, int64_t x)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)x);
    add(w, key, text);
}

/* As in C tor, what is open counts as if it ended well: the next run knows nothing of it. */
static void add_bias(struct line_wr *w, const struct guards *g, const struct guard *guard)
{
    struct pathbias b = guard->bias;
    char text[32];
    b.use_successes = pathbias_used_well(g, guard);
    b.successful_circuits_closed = pathbias_closed_well(g, guard);
#define X(name)                                \
    snprintf(text, sizeof text, "%f", b.name); \
    if (b.name >= 1e-6)                        \
        add(w, "pb_" #name "=", text);
    PATHBIAS_FIELDS(X)
#undef X
}

static char *guard_line(const struct guards *all, const struct sample *s, size_t i)
{
    const struct guard *g = &s->list[i];
    struct line_wr w = {.len = 0};
    char id[HEX_SIZE(sizeof g->rsa.b)];
    add(&w, "in=", s->name);
    add(&w, "rsa_id=", hex_upper(g->rsa.b, sizeof g->rsa.b, id));
    add(&w, "nickname=", g->nickname);
    add_time(&w, "sampled_on=", g->sampled_on_s);
    add_number(&w, "sampled_idx=", (int64_t)i);
    add(&w, "sampled_by=", g->sampled_by);
    add_time(&w, "unlisted_since=", g->unlisted_since_s);
    add_number(&w, "listed=", g->listed);
    if (g->confirmed_idx >= 0) {
        add_time(&w, "confirmed_on=", g->confirmed_on_s);
        add_number(&w, "confirmed_idx=", g->confirmed_idx);
    }
    add_bias(&w, all, g);
    add(&w, "", g->extra);
    return text_dup(text_of(w.text));
}

err_t guards_save(struct guards *g, struct state *s)
{
    size_t most = g->n_foreign, n = 0;
    for (size_t i = 0; i < SAMPLE_N; i++)
        most += g->samples[i].n;
    char **lines = calloc(most + 1, sizeof *lines);
    if (!lines)
        return ERR_NOMEM;
    err_t e = OK;
    for (size_t i = 0; i < SAMPLE_N && e == OK; i++) {
        renumber_confirmed(&g->samples[i]);
        for (size_t k = 0; k < g->samples[i].n && e == OK; k++) {
            lines[n] = guard_line(g, &g->samples[i], k);
            e = lines[n] ? OK : ERR_NOMEM;
            n += e == OK;
        }
    }
    size_t own = n;
    for (size_t i = 0; i < g->n_foreign; i++)
        lines[n++] = g->foreign[i];
    if (e == OK)
        e = state_set(s, "Guard", (const char *const *)lines, n);
    for (size_t i = 0; i < own; i++)
        free(lines[i]);
    free(lines);
    if (e == OK)
        g->dirty = false;
    return e;
}
