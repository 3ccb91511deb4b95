#include "forge/edit.h"

#include <string.h>

#include "dir/doc.h"

/* The first item of TEXT, which has to be all of it; a last newline is added. */
static err_t parse_one(struct text text, struct edit *out)
{
    struct docw w = {0};
    struct doc_item item;
    docw_add(&w, text);
    docw_add(&w, TEXT_LIT("\n"));
    err_t err = w.err;
    if (err == OK) {
        struct doc_lines lines = doc_over(w.s, w.len);
        bool one = doc_next(&lines, &item) && !doc_next(&lines, &item);
        err = one && lines.err == OK ? OK : ERR_MALFORMED;
    }
    docw_free(&w);
    TRY(err);
    size_t len = strcspn(text.s, " \t\n");
    out->keyword = (struct text){text.s, len};
    out->item = text;
    return OK;
}

err_t edit_set(const char *item, struct edit *out)
{
    *out = (struct edit){.drop = false};
    return parse_one(text_of(item), out);
}

err_t edit_drop(const char *keyword, struct edit *out)
{
    *out = (struct edit){.drop = true};
    TRY(parse_one(text_of(keyword), out));
    return out->keyword.len == strlen(keyword) ? OK : ERR_MALFORMED;
}

static bool concerns(const struct edit *edits, size_t n, struct text keyword)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(edits[i].keyword, keyword))
            return true;
    return false;
}

static void add_set(struct docw *w, const struct edit *edits, size_t n, struct text keyword)
{
    for (size_t i = 0; i < n; i++)
        if (!edits[i].drop && text_equal(edits[i].keyword, keyword)) {
            docw_add(w, edits[i].item);
            docw_add(w, TEXT_LIT("\n"));
        }
}

static bool has_item(struct text part, struct text keyword)
{
    struct doc_lines lines = doc_over(part.s, part.len);
    struct doc_item item;
    while (doc_next(&lines, &item))
        if (text_equal(item.keyword, keyword))
            return true;
    return false;
}

/* Whether this is the first item of its keyword in PART. */
static bool is_first(struct text part, const struct doc_item *item)
{
    struct text before = {part.s, (size_t)(item->begin - part.s)};
    return !has_item(before, item->keyword);
}

static void write_edited(struct docw *to, struct text part, const struct edit *edits, size_t n)
{
    struct doc_lines lines = doc_over(part.s, part.len);
    struct doc_item item;
    while (doc_next(&lines, &item))
        if (!concerns(edits, n, item.keyword))
            docw_add(to, (struct text){item.begin, (size_t)(item.end - item.begin)});
        else if (is_first(part, &item))
            add_set(to, edits, n, item.keyword);
    if (lines.err != OK)
        docw_fail(to, lines.err);
    for (size_t i = 0; i < n; i++)
        if (!has_item(part, edits[i].keyword) && !concerns(edits, i, edits[i].keyword))
            add_set(to, edits, n, edits[i].keyword);
}

void edit_apply(const struct edit *edits, size_t n, struct docw *w, size_t from, size_t to)
{
    struct docw out = {0};
    if (!n || w->err != OK)
        return;
    docw_add(&out, (struct text){w->s, from});
    write_edited(&out, (struct text){w->s + from, to - from}, edits, n);
    docw_add(&out, (struct text){w->s + to, w->len - to});
    docw_free(w);
    *w = out;
}
