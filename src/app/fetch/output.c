#include "app/fetch/output.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "crypto/encode.h"
#include "crypto/hash.h"
#include "docs/json.h"

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

static err_t write_json(struct output *o, const struct docs_item *doc)
{
    char name[DOCS_NAME_MAX + 8];
    json_t *one = docs_item_json(doc);
    if (!one)
        return ERR_NOMEM;
    if (!o->to.to_folder) {
        if (!o->json)
            o->json = json_array();
        return o->json && json_array_append_new(o->json, one) == 0 ? OK : ERR_NOMEM;
    }
    char *text = json_dumps(one, JSON_INDENT(2));
    json_decref(one);
    if (!text)
        return ERR_NOMEM;
    snprintf(name, sizeof name, "%s.json", doc->name);
    err_t e = out_file(&o->to, name, text_of(text), text_of("\n"));
    free(text);
    return e;
}

void output_hold_signals(const struct output *o)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++) {
        sigaddset(&set, ending_signals[i]);
        if (o->to.in_place && ending_signals[i] != SIGHUP)
            signal(ending_signals[i], SIG_DFL);
    }
    if (!o->to.in_place)
        sigprocmask(SIG_BLOCK, &set, NULL);
}

static err_t look_for_signals(struct output *o)
{
    sigset_t set;
    if (sigpending(&set) != 0)
        return OK;
    for (size_t i = 0; i < sizeof ending_signals / sizeof ending_signals[0]; i++)
        o->interrupted |= sigismember(&set, ending_signals[i]) == 1;
    return o->interrupted ? ERR_STATE : OK;
}

static err_t write_doc(struct output *o, const struct docs_item *doc)
{
    o->written++;
    if (o->args->json)
        return write_json(o, doc);
    struct text head = text_of(o->args->annotate ? docs_item_type_line(doc) : "");
    if (o->to.to_folder)
        return out_file(&o->to, doc->name, head, doc->text);
    TRY(out_write(&o->to, head.s, head.len));
    return out_write(&o->to, doc->text.s, doc->text.len);
}

/* Writes a document as it came, named by the SHA-256 of that, with the encoding's usual ending. */
static err_t write_raw(struct output *o, const struct part *p)
{
    static const struct {
        const char *encoding, *ending;
    } endings[] = {{"x-zstd", ".zst"}, {"x-tor-lzma", ".lzma"}, {"gzip", ".gz"}, {"deflate", ".z"}};
    struct text t = get_document(p->get);
    uint8_t digest[SHA256_LEN];
    char hex[HEX_SIZE(SHA256_LEN)], name[HEX_SIZE(SHA256_LEN) + 8];
    const char *ending = "";
    o->written++;
    if (!o->to.to_folder)
        return out_write(&o->to, t.s, t.len);
    sha256(t.s, t.len, digest);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(get_encoding(p->get), endings[i].encoding) == 0)
            ending = endings[i].ending;
    snprintf(name, sizeof name, "%s%s", hex_lower(digest, sizeof digest, hex), ending);
    return out_file(&o->to, name, (struct text){"", 0}, t);
}

static err_t write_item(struct output *o, const struct item *it)
{
    const struct part *p;
    if (o->args->raw) {
        DL_FOREACH (it->parts, p) {
            TRY(look_for_signals(o));
            if (p->good)
                TRY(write_raw(o, p));
        }
        return OK;
    }
    for (size_t i = 0; i < it->docs.n; i++) {
        TRY(look_for_signals(o));
        if (item_writes(it, &it->docs.list[i]))
            TRY(write_doc(o, &it->docs.list[i]));
    }
    return OK;
}

/* jansson hands out a word at a time. */
struct dump {
    struct out *out;
    size_t len;
    char bytes[32768];
};

static int dump_add(const char *bytes, size_t len, void *arg)
{
    struct dump *d = arg;
    if (len > sizeof d->bytes - d->len) {
        if (out_write(d->out, d->bytes, d->len) != OK)
            return -1;
        d->len = 0;
    }
    if (len > sizeof d->bytes)
        return out_write(d->out, bytes, len) == OK ? 0 : -1;
    memcpy(d->bytes + d->len, bytes, len);
    d->len += len;
    return 0;
}

static err_t dump_json(struct output *o)
{
    struct dump d = {.out = &o->to, .len = 0};
    size_t flags = JSON_INDENT(2) | (o->to.to_terminal ? JSON_ENSURE_ASCII : 0);
    if (json_dump_callback(o->json, dump_add, &d, flags) != 0 || dump_add("\n", 1, &d) != 0)
        return o->to.why[0] ? ERR_IO : ERR_NOMEM;
    return out_write(&o->to, d.bytes, d.len);
}

err_t output_write(struct output *o, const struct job *j)
{
    for (size_t i = 0; i < j->args->n_wants; i++)
        TRY(write_item(o, &j->items[i]));
    if (o->json)
        TRY(dump_json(o));
    return out_finish(&o->to);
}

void output_close(struct output *o)
{
    out_close(&o->to);
    json_decref(o->json);
}
