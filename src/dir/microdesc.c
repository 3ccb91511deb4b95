#include "dir/microdesc.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/doc.h"

static bool is_start(struct text t)
{
    return text_starts(t, "onion-key\n") || text_starts(t, "onion-key ");
}

/* The length of T up to the first line (after the first byte) that begins an entry: an annotation,
 * or, where PAST_BODY, also "onion-key". */
static size_t entry_len(struct text t, bool past_body)
{
    size_t at = 0;
    for (;;) {
        const char *nl = memchr(t.s + at, '\n', t.len - at);
        if (!nl)
            return t.len;
        at = (size_t)(nl - t.s) + 1;
        struct text rest = {t.s + at, t.len - at};
        if (!rest.len || (past_body && rest.s[0] == '@') || is_start(rest))
            return at;
    }
}

static void skip(struct text *t, size_t len)
{
    t->s += len;
    t->len -= len;
}

/* "@last-listed YYYY-MM-DD HH:MM:SS"; other annotations mean nothing to us. */
static void take_annotations(struct text t, struct microdesc *md)
{
    struct text line, word, date, time;
    while (text_line(&t, &line)) {
        int64_t when;
        if (text_token(&line, &word) && text_is(word, "@last-listed") && text_token(&line, &date) &&
            text_token(&line, &time) && doc_time(date, time, &when) == OK)
            md->last_listed_s = when;
    }
}

static err_t take_id(const struct doc_item *item, struct microdesc *md)
{
    struct text args[2];
    /* dir-spec 3.3: "id" identity-type base64; types we don't know are ignored, and there is one
     * of each type at most. */
    if (!doc_args(item, args, 2))
        return ERR_MALFORMED;
    if (!text_is(args[0], "ed25519"))
        return OK;
    if (md->has_ed)
        return ERR_MALFORMED;
    TRY(base64_decode_exact(args[1], BASE64_EITHER, md->ed.b, sizeof md->ed.b));
    md->has_ed = true;
    return OK;
}

static err_t take_ntor(const struct doc_item *item, struct microdesc *md)
{
    struct text key;
    if (md->has_ntor || !doc_args(item, &key, 1))
        return ERR_MALFORMED;
    TRY(base64_decode_exact(key, BASE64_EITHER, md->ntor.b, sizeof md->ntor.b));
    md->has_ntor = true;
    return OK;
}

static err_t take_once(const struct doc_item *item, struct text *field)
{
    if (field->s)
        return ERR_MALFORMED;
    *field = text_strip(item->args);
    return OK;
}

static err_t take_item(const struct doc_item *item, struct microdesc *md)
{
    if (doc_is(item, "ntor-onion-key"))
        return take_ntor(item, md);
    if (doc_is(item, "id"))
        return take_id(item, md);
    if (doc_is(item, "family"))
        return take_once(item, &md->family);
    if (doc_is(item, "family-ids"))
        return take_once(item, &md->family_ids);
    if (doc_is(item, "p"))
        return take_once(item, &md->p);
    if (doc_is(item, "p6"))
        return take_once(item, &md->p6);
    return doc_is(item, "onion-key") ? ERR_MALFORMED : OK;
}

static err_t parse_body(struct microdesc *md)
{
    struct doc_lines d = doc_over(md->body.s, md->body.len);
    struct doc_item item;
    if (md->body.len > MICRODESC_TEXT_MAX)
        return ERR_LIMIT;
    if (!doc_next(&d, &item) || !doc_is(&item, "onion-key"))
        return ERR_MALFORMED;
    /* The object is optional since Microdesc=3; nothing uses TAP keys any more. */
    if (item.tag.len && !text_is(item.tag, "RSA PUBLIC KEY"))
        return ERR_MALFORMED;
    while (doc_next(&d, &item))
        TRY(take_item(&item, md));
    return d.err;
}

err_t microdesc_next(struct text *rest, struct microdesc *out)
{
    *out = (struct microdesc){0};
    if (!rest->len)
        return ERR_NOT_FOUND;
    struct text notes = {rest->s, 0};
    if (rest->s[0] == '@')
        notes.len = entry_len(*rest, false);
    struct text body = {rest->s + notes.len, rest->len - notes.len};
    if (body.len)
        body.len = entry_len(body, true);
    skip(rest, notes.len + body.len);
    out->body = body;
    take_annotations(notes, out);
    sha256(body.s, body.len, out->digest.b);
    return parse_body(out);
}
