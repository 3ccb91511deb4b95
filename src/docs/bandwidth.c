/* Bandwidth files (bandwidth-file-spec): their lines, and what is wrong with them. */
#include <string.h>

#include "docs/docs_int.h"

struct docs_bandwidth docs_bandwidth_over(struct text text)
{
    return (struct docs_bandwidth){.rest = text};
}

/* A relay's line has its bandwidth and one of its names. */
static bool is_relay_line(struct text line)
{
    struct text word;
    bool bw = false, id = false;
    while (text_token(&line, &word)) {
        bw |= text_starts(word, "bw=");
        id |= text_starts(word, "node_id=") || text_starts(word, "master_key_ed25519=");
    }
    return bw && id;
}

/* bandwidth-file-spec 2.2: version 1.0.0 has neither headers nor a terminator. */
bool docs_bandwidth_next(struct docs_bandwidth *b, struct text *line,
                         enum docs_bandwidth_line *kind)
{
    if (!text_line(&b->rest, line))
        return false;
    b->n++;
    if (b->n == 1) {
        *kind = BANDWIDTH_TIMESTAMP;
        return true;
    }
    b->in_header = b->n == 2 ? text_starts(*line, "version=") : b->in_header;
    bool terminator = b->in_header && (text_is(*line, "=====") || text_is(*line, "===="));
    if (terminator || (b->in_header && is_relay_line(*line)))
        b->in_header = false;
    *kind = terminator ? BANDWIDTH_TERMINATOR : b->in_header ? BANDWIDTH_HEADER : BANDWIDTH_RELAY;
    return true;
}

void docs_verify_bandwidth(struct docs_item *doc)
{
    struct docs_bandwidth b = docs_bandwidth_over(doc->text);
    enum docs_bandwidth_line kind;
    struct text line;
    uint64_t t;
    while (docs_bandwidth_next(&b, &line, &kind)) {
        if (kind == BANDWIDTH_TIMESTAMP && text_to_u64(line, INT64_MAX, &t) != OK) {
            docs_bad(doc, "its first line is no timestamp");
            return;
        }
        /* "If a header Line does not conform, the Line SHOULD be ignored" */
        if (kind == BANDWIDTH_RELAY && line.len && line.s[0] != '=' && !is_relay_line(line)) {
            docs_bad(doc, "its line %zu has not both a bandwidth and a relay's identity", b.n);
            return;
        }
    }
    if (doc->text.s[doc->text.len - 1] != '\n')
        docs_bad(doc, "it is cut short: its last line has no end");
    else
        docs_unproven(doc, "a bandwidth file is not signed: only its form was checked");
}
