/* Out of memory, in JSON: NULL and no leak (which the sanitizer sees), however far it came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/docs.h"
#include "docs/fallbacks.h"
#include "docs/json.h"
#include "support/test.h"

static long left;

static void *some_malloc(size_t n)
{
    return left-- > 0 ? malloc(n) : NULL;
}

static struct text read_all(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    struct text t = {out, fread(out, 1, cap, file)};
    (void)fclose(file);
    return t;
}

/* With ever more memory, until it's enough. */
static void until_enough(json_t *make(const void *of), const void *of)
{
    json_t *j = NULL;
    for (long n = 0; !j; n += 1 + n / 50) {
        left = n;
        j = make(of);
        ck_assert_int_lt(n, 10000000);
    }
    ck_assert_ptr_null(json_object_get(j, "unrecognized"));
    json_decref(j);
}

static json_t *of_doc(const void *doc)
{
    return docs_item_json(doc);
}

static json_t *of_list(const void *list)
{
    return fallbacks_json(list);
}

static void doc_until_enough(const char *word, const char *path)
{
    static char bytes[1 << 20];
    struct text text = read_all(path, bytes, sizeof bytes);
    struct docs_want w;
    struct docs docs;
    char why[DOCS_WHY_MAX];
    ck_ok(docs_want_parse(word, &w, why));
    ck_ok(docs_split(&w, text, &docs));
    json_set_alloc_funcs(some_malloc, free);
    until_enough(of_doc, &docs.list[0]);
    json_set_alloc_funcs(malloc, free);
    docs_free(&docs);
    docs_want_clear(&w);
}

START_TEST(test_memory_json_of_documents)
{
    doc_until_enough("server/all", "vectors/dir/live2026/descriptors");
    doc_until_enough("vote/next/authority", "vectors/dir/live2026/vote");
    doc_until_enough("consensus", "vectors/dir/live2026/consensus");
    doc_until_enough("extra/all", "vectors/dir/testnet2000/cached-extrainfo.new");
    doc_until_enough("keys/all", "vectors/dir/testnet2000/cached-certs");
}
END_TEST

START_TEST(test_memory_json_of_fallbacks)
{
    static char bytes[1 << 20];
    struct fallbacks f;
    ck_ok(fallbacks_parse(read_all("vectors/dir/fallback_dirs.inc", bytes, sizeof bytes), &f));
    json_set_alloc_funcs(some_malloc, free);
    until_enough(of_list, &f);
    json_set_alloc_funcs(malloc, free);
    fallbacks_free(&f);
}
END_TEST

TESTS("fetch/memory", test_memory_json_of_documents, test_memory_json_of_fallbacks)
