#include "app/ctl/reader.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 14 };

struct ctl_reader {
    size_t most;
    err_t broken; /* OK, or what every call says from now on */
    /* BYTES[start..end) is what came; up to AT it is known. Lines are offsets from START while a
     * message is being read, for BYTES may move. */
    char *bytes;
    size_t cap, start, at, end;
    size_t looked; /* no line ends in AT..LOOKED: each byte is looked at once */
    bool in_data;
    struct ctl_line *lines;
    size_t n, lines_cap;
    bool given; /* START..AT was given out */
};

struct ctl_reader *ctl_reader_new(size_t most)
{
    struct ctl_reader *r = calloc(1, sizeof *r);
    if (r)
        r->most = most;
    return r;
}

void ctl_reader_free(struct ctl_reader *r)
{
    if (!r)
        return;
    free(r->bytes);
    free(r->lines);
    free(r);
}

/* The message that was given out goes. */
static void forget(struct ctl_reader *r)
{
    if (!r->given)
        return;
    r->start = r->at;
    r->n = 0;
    r->given = false;
}

char *ctl_reader_room(struct ctl_reader *r, size_t *room)
{
    forget(r);
    if (r->start) {
        memmove(r->bytes, r->bytes + r->start, r->end - r->start);
        r->at -= r->start;
        r->looked -= r->start;
        r->end -= r->start;
        r->start = 0;
    }
    if (r->cap - r->end < ROOM) {
        size_t cap = r->cap ? 2 * r->cap : 2 * ROOM;
        char *bytes = realloc(r->bytes, cap);
        if (!bytes)
            return NULL;
        r->bytes = bytes;
        r->cap = cap;
    }
    *room = ROOM;
    return r->bytes + r->end;
}

void ctl_reader_done(struct ctl_reader *r, size_t n)
{
    r->end += n;
}

static err_t add_line(struct ctl_reader *r, const struct ctl_line *line)
{
    if (r->n == CTL_LINES_MAX)
        return ERR_LIMIT;
    if (r->n == r->lines_cap) {
        size_t cap = r->lines_cap ? 2 * r->lines_cap : 16;
        struct ctl_line *lines = realloc(r->lines, cap * sizeof *lines);
        if (!lines)
            return ERR_NOMEM;
        r->lines = lines;
        r->lines_cap = cap;
    }
    r->lines[r->n++] = *line;
    return OK;
}

/* control-spec 2.3: MidReplyLine "-", DataReplyLine "+", EndReplyLine " ". */
static err_t read_line(struct ctl_reader *r, struct text t)
{
    unsigned code = 0;
    if (t.len < 4 || !strchr(" -+", t.s[3]) || memchr(t.s, 0, t.len))
        return ERR_MALFORMED;
    for (size_t i = 0; i < 3; i++) {
        if (t.s[i] < '0' || t.s[i] > '9')
            return ERR_MALFORMED;
        code = 10 * code + (unsigned)(t.s[i] - '0');
    }
    r->in_data = t.s[3] == '+';
    return add_line(r, &(struct ctl_line){code, t.s[3], {t.s + 4, t.len - 4}, {NULL, 0}});
}

/* The texts of the lines, now that nothing moves any more. */
static void point(struct ctl_reader *r)
{
    struct text rest = {r->bytes + r->start, r->at - r->start}, t;
    for (size_t i = 0; i < r->n; i++) {
        struct ctl_line *line = &r->lines[i];
        (void)text_line(&rest, &t);
        line->text = (struct text){t.s + 4, t.len - 4};
        if (line->kind != '+')
            continue;
        line->data = (struct text){rest.s, 0};
        while (text_line(&rest, &t) && !(t.len == 1 && t.s[0] == '.'))
            line->data.len = (size_t)(rest.s - line->data.s);
    }
}

/* The next whole line, without its end; ERR_MORE if it has none yet. */
static err_t whole_line(struct ctl_reader *r, struct text *line)
{
    const char *newline =
        r->end > r->looked ? memchr(r->bytes + r->looked, '\n', r->end - r->looked) : NULL;
    size_t behind = newline ? (size_t)(newline + 1 - r->bytes) : r->end;
    r->looked = behind;
    if (behind - r->start > r->most)
        return ERR_LIMIT;
    if (!newline)
        return ERR_MORE;
    *line = (struct text){r->bytes + r->at, behind - 1 - r->at};
    if (line->len && line->s[line->len - 1] == '\r')
        line->len--;
    r->at = behind;
    return OK;
}

static err_t take(struct ctl_reader *r, struct ctl_message *out)
{
    struct text line;
    do {
        TRY(whole_line(r, &line));
        if (!r->in_data)
            TRY(read_line(r, line));
        else if (text_is(line, "."))
            r->in_data = false;
    } while (r->in_data || r->lines[r->n - 1].kind != ' ');
    point(r);
    r->given = true;
    *out = (struct ctl_message){{r->bytes + r->start, r->at - r->start}, r->n, r->lines};
    return OK;
}

err_t ctl_reader_next(struct ctl_reader *r, struct ctl_message *out)
{
    if (r->broken != OK)
        return r->broken;
    forget(r);
    err_t e = take(r, out);
    if (e != OK && e != ERR_MORE)
        r->broken = e;
    return e;
}

bool ctl_is_event(const struct ctl_message *m)
{
    return m->lines[0].code / 100 == 6;
}

bool ctl_is_ok(const struct ctl_message *m)
{
    return m->lines[m->n - 1].code / 100 == 2;
}

bool ctl_data_line(struct text *data, struct text *line)
{
    if (!text_line(data, line))
        return false;
    if (line->len && line->s[0] == '.')
        *line = (struct text){line->s + 1, line->len - 1};
    return true;
}
