#include "dir/consdiff.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"

enum {
    COMMAND_MAX = 127, /* C tor, apply_ed_diff() */
    LINES_MAX = INT32_MAX,
};

static const char version_line[] = "network-status-diff-version 1";

bool consdiff_is(struct text body)
{
    return text_starts(body, version_line);
}

static err_t take_digest(struct text *line, uint8_t out[32])
{
    struct text word;
    return text_split(line, ' ', &word) && hex_decode_exact(word, out, 32) == OK ? OK
                                                                                 : ERR_MALFORMED;
}

err_t consdiff_read(struct text body, struct consdiff *out)
{
    struct text line, word;
    if (!text_split(&body, '\n', &line) || !text_is(line, version_line))
        return ERR_MALFORMED;
    if (!text_split(&body, '\n', &line) || !text_split(&line, ' ', &word) || !text_is(word, "hash"))
        return ERR_MALFORMED;
    TRY(take_digest(&line, out->from));
    TRY(take_digest(&line, out->to));
    out->script = body;
    return line.len ? ERR_MALFORMED : OK;
}

err_t consdiff_digest(struct text consensus, uint8_t out[32])
{
    static const char mark[] = "\ndirectory-signature ";
    const size_t len = sizeof mark - 1;
    const char *at = consensus.len ? memmem(consensus.s, consensus.len, mark, len) : NULL;
    return at ? sha3_256(consensus.s, (size_t)(at - consensus.s) + len, out) : ERR_MALFORMED;
}

/* ---- one command of the script ---- */

struct command {
    size_t first, last; /* of the old lines; "a": behind FIRST, which is LAST */
    char verb;
    struct text come; /* lines to add */
};

static err_t take_number(struct text *rest, size_t *out)
{
    struct text digits = {rest->s, 0};
    uint64_t n;
    while (digits.len < rest->len && rest->s[digits.len] >= '0' && rest->s[digits.len] <= '9')
        digits.len++;
    if (!digits.len || text_to_u64(digits, LINES_MAX, &n) != OK)
        return ERR_MALFORMED;
    *rest = (struct text){rest->s + digits.len, rest->len - digits.len};
    *out = (size_t)n;
    return OK;
}

static bool skip(struct text *rest, char c)
{
    if (!rest->len || rest->s[0] != c)
        return false;
    *rest = (struct text){rest->s + 1, rest->len - 1};
    return true;
}

/* "7", "7,9", "7,$"; N lines are left. Only whole ends of the document have no number. */
static err_t take_range(struct text *rest, size_t n, struct command *c, bool *range, bool *to_end)
{
    TRY(take_number(rest, &c->first));
    c->last = c->first;
    *range = skip(rest, ',');
    *to_end = *range && skip(rest, '$');
    if (*to_end)
        c->last = n;
    else if (*range)
        TRY(take_number(rest, &c->last));
    return *range && c->last <= c->first ? ERR_MALFORMED : OK;
}

/* What stands before a line "."; at least one line. */
static err_t take_come(struct text *script, struct text *out)
{
    struct text line;
    *out = (struct text){script->s, 0};
    for (;;) {
        const char *end = script->len ? memchr(script->s, '\n', script->len) : NULL;
        if (!end)
            return ERR_TRUNCATED;
        text_split(script, '\n', &line);
        if (text_is(line, "."))
            return out->len ? OK : ERR_MALFORMED;
        out->len += line.len + 1;
    }
}

/* dir-spec E: "<n1>d", "<n1>,<n2>d", "<n1>,$d", "<n1>c", "<n1>,<n2>c", "<n1>a"; N is how many lines
 * of the old document are not behind us. "The lines are in reverse order." */
static err_t take_command(struct text *script, size_t n, struct command *c)
{
    struct text line;
    bool range, to_end;
    *c = (struct command){0};
    if (!memchr(script->s, '\n', script->len))
        return ERR_TRUNCATED;
    text_split(script, '\n', &line);
    if (line.len > COMMAND_MAX)
        return ERR_MALFORMED;
    TRY(take_range(&line, n, c, &range, &to_end));
    if (line.len != 1 || c->last > n)
        return ERR_MALFORMED;
    c->verb = line.s[0];
    switch (c->verb) {
    case 'a':
        return range ? ERR_MALFORMED : take_come(script, &c->come);
    case 'c':
        return to_end || !c->first ? ERR_MALFORMED : take_come(script, &c->come);
    case 'd':
        return c->first ? OK : ERR_MALFORMED;
    default:
        return ERR_MALFORMED;
    }
}

/* ---- the new document ---- */

/* The script names the later lines first, so the new document is written from its end. */
struct maker {
    struct text base; /* what is left of it: N lines */
    size_t n;
    char *out;
    size_t at; /* the new document is at OUT + AT */
};

static void put(struct maker *m, struct text t)
{
    m->at -= t.len;
    if (t.len)
        memcpy(m->out + m->at, t.s, t.len);
}

/* Takes lines off the end of the base until N are left. */
static struct text take_lines(struct maker *m, size_t n)
{
    size_t len = m->base.len;
    for (; m->n > n; m->n--) {
        const char *before = len > 1 ? memrchr(m->base.s, '\n', len - 1) : NULL;
        len = before ? (size_t)(before - m->base.s) + 1 : 0;
    }
    struct text taken = {m->base.s + len, m->base.len - len};
    m->base.len = len;
    return taken;
}

static err_t run_script(struct maker *m, struct text script)
{
    struct command c;
    while (script.len) {
        TRY(take_command(&script, m->n, &c));
        put(m, take_lines(m, c.last));
        put(m, c.come);
        if (c.verb != 'a')
            (void)take_lines(m, c.first - 1);
    }
    put(m, take_lines(m, 0));
    return OK;
}

static size_t count_lines(struct text t)
{
    size_t n = 0;
    for (const char *at = t.s, *end = t.s + t.len; (at = memchr(at, '\n', (size_t)(end - at))); n++)
        at++;
    return n;
}

static err_t check_result(const struct maker *m, size_t len, const uint8_t to[32])
{
    uint8_t digest[32];
    TRY(sha3_256(m->out + m->at, len, digest));
    return memcmp(digest, to, sizeof digest) == 0 ? OK : ERR_MALFORMED;
}

err_t consdiff_apply(struct text base, const struct consdiff *diff, char **out, size_t *len)
{
    const size_t most = base.len + diff->script.len;
    *out = NULL;
    if (!base.len || base.s[base.len - 1] != '\n')
        return ERR_MALFORMED;
    struct maker m = {.base = base, .n = count_lines(base), .out = malloc(most), .at = most};
    if (!m.out)
        return ERR_NOMEM;
    err_t e = run_script(&m, diff->script);
    *len = most - m.at;
    if (e == OK)
        e = check_result(&m, *len, diff->to);
    if (e != OK) {
        free(m.out);
        return e;
    }
    memmove(m.out, m.out + m.at, *len);
    char *fit = realloc(m.out, *len ? *len : 1);
    *out = fit ? fit : m.out;
    return OK;
}
