#include "app/fetch/list.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/out.h"
#include "crypto/encode.h"
#include "docs/fallbacks.h"
#include "docs/print.h"

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic fetch: %s\n", why);
    return status;
}

/* TEXT to where -o says; none at all is out of memory. */
static int write_text(const struct fetch_args *a, struct text text)
{
    struct out o;
    if (!text.s)
        return complain(FETCH_STATUS_FAILED, "out of memory");
    err_t e = out_open(&o, a->output);
    if (e == OK && o.to_folder) {
        out_close(&o);
        return complain(FETCH_STATUS_USAGE, "-o: this is one file, not a folder's");
    }
    if (e == OK)
        e = out_write(&o, text.s, text.len);
    if (e == OK)
        e = out_finish(&o);
    out_close(&o);
    return e == OK ? FETCH_STATUS_DONE : complain(FETCH_STATUS_FAILED, o.why);
}

/* JSON is given. */
static int write_json(const struct fetch_args *a, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    char *whole = NULL;
    size_t len = text ? text_of(text).len : 0;
    json_decref(json);
    if (text && (whole = malloc(len + 2)))
        snprintf(whole, len + 2, "%s\n", text);
    free(text);
    int status = write_text(a, whole ? text_of(whole) : (struct text){0});
    free(whole);
    return status;
}

/* ---- --list-sources ---- */

static const char *const kinds[] = {"orport", "dirport", "anonymous"};

static json_t *source_json(const struct source_spec *s)
{
    char addr[IPPORT_TEXT_MAX], rsa[HEX_SIZE(20)], ed[BASE64_SIZE(32)];
    json_t *out = json_object();
    bool ok = json_object_set_new(out, "kind", json_string(kinds[s->kind])) == 0;
    if (ok && s->kind != SOURCE_ANONYMOUS)
        ok = json_object_set_new(out, "address", json_string(ipport_text(&s->addr, addr))) == 0;
    if (ok && s->has_rsa)
        ok = json_object_set_new(out, "rsa", json_string(hex_upper(s->rsa.b, 20, rsa))) == 0;
    if (ok && s->has_ed)
        ok = json_object_set_new(out, "ed25519",
                                 json_string(base64_encode(s->ed.b, 32, false, ed))) == 0;
    if (ok && json_object_set_new(out, "authority", json_boolean(s->is_authority)) == 0)
        return out;
    json_decref(out);
    return NULL;
}

static int list_as_json(const struct fetch_args *a)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < a->sources.n; i++)
        if (json_array_append_new(list, source_json(&a->sources.list[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return write_json(a, list);
}

int fetch_list_sources(const struct fetch_args *a)
{
    char addr[IPPORT_TEXT_MAX], rsa[HEX_SIZE(20)], ed[BASE64_SIZE(32)];
    if (a->json)
        return list_as_json(a);
    for (size_t i = 0; i < a->sources.n; i++) {
        const struct source_spec *s = &a->sources.list[i];
        printf("%s %s%s%s%s%s%s\n", kinds[s->kind], ipport_text(&s->addr, addr),
               s->has_rsa ? " rsa=" : "", s->has_rsa ? hex_upper(s->rsa.b, 20, rsa) : "",
               s->has_ed ? " ed25519=" : "", s->has_ed ? base64_encode(s->ed.b, 32, false, ed) : "",
               s->is_authority ? " authority" : "");
    }
    return fflush(stdout) == 0 ? FETCH_STATUS_DONE
                               : complain(FETCH_STATUS_FAILED, "cannot write to standard output");
}

/* ---- --check-fallbacks ---- */

static int write_list(const struct fetch_args *a, const struct fallbacks *f)
{
    if (a->json)
        return write_json(a, fallbacks_json(f));
    char *text = fallbacks_write(f);
    int status = write_text(a, text ? text_of(text) : (struct text){0});
    free(text);
    return status;
}

int fetch_check_list(const struct fetch_args *a)
{
    struct fallbacks f;
    char why[SOURCES_WHY] = "out of memory";
    err_t e = sources_read_list(a->check_fallbacks, a->quiet, &f, why);
    int status = FETCH_STATUS_DONE;
    if (e != OK) {
        fprintf(stderr, "tunic fetch: --check-fallbacks \"%.100s\": %s\n", a->check_fallbacks, why);
        status = e == ERR_ARG ? FETCH_STATUS_USAGE : FETCH_STATUS_FAILED;
    } else {
        status = write_list(a, &f);
        if (!a->quiet)
            fprintf(stderr, "tunic fetch: %s: %zu fallbacks, %zu errors, %zu warnings\n",
                    a->check_fallbacks, f.n, f.n_errors, f.n_problems - f.n_errors);
    }
    if (status == FETCH_STATUS_DONE && f.n_errors)
        status = FETCH_STATUS_INVALID;
    fallbacks_free(&f);
    return status;
}

/* ---- --print ---- */

/* FORM is one document's, or a list of them. */
static err_t print_all(const json_t *form, struct docw *w, char why[DOCS_WHY_MAX])
{
    size_t i;
    json_t *one;
    if (!json_is_array(form))
        return docs_print(form, w, why);
    json_array_foreach(form, i, one)
    {
        TRY(docs_print(one, w, why));
    }
    return OK;
}

static int print_form(const struct fetch_args *a, const json_t *form)
{
    struct docw w = {0};
    char why[DOCS_WHY_MAX];
    int status;
    docw_add(&w, TEXT_LIT("")); /* so that nothing is a text, too */
    err_t err = print_all(form, &w, why);
    if (err == ERR_MALFORMED) {
        fprintf(stderr, "tunic fetch: --print \"%.100s\": %s\n", a->print, why);
        status = FETCH_STATUS_INVALID;
    } else {
        status = write_text(a, docw_text(&w));
    }
    docw_free(&w);
    return status;
}

int fetch_print(const struct fetch_args *a)
{
    json_error_t error;
    json_t *form = strcmp(a->print, "-") == 0 ? json_loadf(stdin, 0, &error)
                                              : json_load_file(a->print, 0, &error);
    if (!form) {
        bool unread = error.line < 0;
        fprintf(stderr, "tunic fetch: --print \"%.100s\": %s\n", a->print, error.text);
        return unread ? FETCH_STATUS_FAILED : FETCH_STATUS_INVALID;
    }
    int status = print_form(a, form);
    json_decref(form);
    return status;
}
