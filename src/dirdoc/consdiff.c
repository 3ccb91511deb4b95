#include "dirdoc/consdiff.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"

/* A piece of a consensus: everything before the first relay, one relay, or what follows the last
 * one. Lines count from 1. */
struct piece {
    struct text text;
    size_t first_line, lines;
};

/* One change: lines of the old document that go, lines of the new one that come in their place. */
struct hunk {
    size_t after, gone; /* GONE lines behind line AFTER */
    struct text come;
};

struct hunks {
    struct hunk *list;
    size_t n, cap;
};

struct side {
    struct text rest;
    size_t line; /* of what comes next */
};

static bool starts_piece(struct text t)
{
    return text_starts(t, "r ") || text_starts(t, "directory-footer\n");
}

/* Takes the next piece off *S, in which relays and the end begin new ones; false at the end. */
static bool next_piece(struct side *s, struct piece *out)
{
    struct text line;
    *out = (struct piece){{s->rest.s, 0}, s->line, 0};
    while (s->rest.len && (!out->lines || !starts_piece(s->rest))) {
        text_line(&s->rest, &line);
        out->lines++;
    }
    out->text.len = (size_t)(s->rest.s - out->text.s);
    s->line += out->lines;
    return out->lines > 0;
}

/* The relay's place in the order of the document: "r nickname IDENTITY ..."; FALSE for other
 * pieces. */
static bool identity_of(const struct piece *p, uint8_t out[20])
{
    struct text rest = p->text, word;
    if (!text_starts(rest, "r "))
        return false;
    for (int i = 0; i < 3; i++)
        if (!text_token(&rest, &word))
            return false;
    return base64_decode_exact(word, BASE64_UNPADDED, out, 20) == OK;
}

static err_t add_hunk(struct hunks *h, struct hunk x)
{
    struct hunk *last = h->n ? &h->list[h->n - 1] : NULL;
    if (!x.gone && !x.come.len)
        return OK;
    /* Neighbours become one. */
    if (last && last->after + last->gone == x.after &&
        (!last->come.len || !x.come.len || last->come.s + last->come.len == x.come.s)) {
        last->gone += x.gone;
        if (!last->come.len)
            last->come.s = x.come.s;
        last->come.len += x.come.len;
        return OK;
    }
    if (h->n == h->cap) {
        size_t cap = h->cap ? 2 * h->cap : 64;
        struct hunk *list = realloc(h->list, cap * sizeof *list);
        if (!list)
            return ERR_NOMEM;
        h->list = list;
        h->cap = cap;
    }
    h->list[h->n++] = x;
    return OK;
}

/* From piece A to piece B, without the lines that both begin and end with. */
static err_t add_change(struct hunks *h, const struct piece *a, const struct piece *b)
{
    struct text old = a->text, new = b->text, line, other;
    size_t after = a->first_line - 1, gone = a->lines;
    for (;;) {
        struct text old_next = old, new_next = new;
        if (!text_line(&old_next, &line) || !text_line(&new_next, &other) ||
            !text_equal(line, other))
            break;
        old = old_next;
        new = new_next;
        after++;
        gone--;
    }
    return add_hunk(h, (struct hunk){after, gone, new});
}

enum pick { OLD_ONLY, NEW_ONLY, BOTH };

/* Compares two pieces by which comes first in a document that has both. */
static enum pick pick(const struct piece *a, const struct piece *b)
{
    uint8_t x[20], y[20];
    bool a_relay = identity_of(a, x), b_relay = identity_of(b, y);
    if (!a_relay && !b_relay)
        return BOTH;
    if (!a_relay || !b_relay)
        return a_relay ? OLD_ONLY : NEW_ONLY;
    int order = memcmp(x, y, sizeof x);
    return order < 0 ? OLD_ONLY : order > 0 ? NEW_ONLY : BOTH;
}

static err_t compare(struct text old, struct text new, struct hunks *h)
{
    struct side a = {old, 1}, b = {new, 1};
    struct piece x, y;
    bool has_x = next_piece(&a, &x), has_y = next_piece(&b, &y);
    while (has_x || has_y) {
        enum pick p = !has_y ? OLD_ONLY : !has_x ? NEW_ONLY : pick(&x, &y);
        size_t before = has_x ? x.first_line - 1 : a.line - 1;
        if (p == OLD_ONLY)
            TRY(add_hunk(h, (struct hunk){before, x.lines, {NULL, 0}}));
        else if (p == NEW_ONLY)
            TRY(add_hunk(h, (struct hunk){before, 0, y.text}));
        else
            TRY(add_change(h, &x, &y));
        if (p != NEW_ONLY)
            has_x = next_piece(&a, &x);
        if (p != OLD_ONLY)
            has_y = next_piece(&b, &y);
    }
    return OK;
}

/* dir-spec E: "<n1>,<n2>d", "<n1>,<n2>c" and "<n>a", the later lines first. */
static void write_hunk(const struct hunk *x, struct docw *out)
{
    size_t first = x->after + 1, last = x->after + x->gone;
    char verb = x->gone && x->come.len ? 'c' : x->gone ? 'd' : 'a';
    if (!x->gone)
        docw_fmt(out, "%zua\n", x->after);
    else if (x->gone == 1)
        docw_fmt(out, "%zu%c\n", first, verb);
    else
        docw_fmt(out, "%zu,%zu%c\n", first, last, verb);
    if (x->come.len) {
        docw_add(out, x->come);
        docw_add(out, TEXT_LIT(".\n"));
    }
}

/* Where the signatures begin. */
static size_t signed_end(struct text t)
{
    struct text rest = t, line;
    size_t at = 0;
    while (text_line(&rest, &line)) {
        if (text_starts(line, "directory-signature "))
            return at;
        at = (size_t)(rest.s - t.s);
    }
    return t.len;
}

static size_t count_lines(struct text t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++)
        n += t.s[i] == '\n';
    return n;
}

err_t consdiff_make(struct text old, struct text new, const uint8_t old_signed[32],
                    const uint8_t new_whole[32], struct docw *out)
{
    struct hunks h = {0};
    /* Whoever has the old consensus may have it with other signatures than ours: all of them go
     * first, "up to the end", and the rest is about what the digest in "hash" covers. */
    struct text old_body = {old.s, signed_end(old)};
    err_t err = compare(old_body, new, &h);
    docw_add(out, TEXT_LIT("network-status-diff-version 1\nhash "));
    docw_hex(out, old_signed, 32);
    docw_add(out, TEXT_LIT(" "));
    docw_hex(out, new_whole, 32);
    docw_add(out, TEXT_LIT("\n"));
    if (old_body.len < old.len)
        docw_fmt(out, "%zu,$d\n", count_lines(old_body) + 1);
    for (size_t i = h.n; i-- > 0;)
        write_hunk(&h.list[i], out);
    free(h.list);
    docw_fail(out, err);
    return out->err;
}
