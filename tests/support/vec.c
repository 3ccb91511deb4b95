#include "support/vec.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 256 };

struct vec {
    const char *path;
    FILE *file;
    char *lines[MOST_LINES];
    size_t n;
};

struct vec *vec_open(const char *path)
{
    struct vec *v = calloc(1, sizeof *v);
    ck_assert_ptr_nonnull(v);
    v->path = path;
    v->file = fopen(path, "r");
    ck_assert_msg(v->file != NULL, "cannot open %s (run from the top of the repository)", path);
    return v;
}

static void drop_record(struct vec *v)
{
    while (v->n)
        free(v->lines[--v->n]);
}

void vec_close(struct vec *v)
{
    drop_record(v);
    fclose(v->file);
    free(v);
}

bool vec_next(struct vec *v)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    drop_record(v);
    while ((len = getline(&line, &size, v->file)) >= 0) {
        if (len && line[len - 1] == '\n')
            line[--len] = 0;
        if (line[0] == '#')
            continue;
        if (len == 0 && v->n)
            break;
        if (len == 0)
            continue;
        ck_assert_msg(v->n < MOST_LINES, "%s: record too long", v->path);
        v->lines[v->n++] = strdup(line);
    }
    free(line);
    return v->n > 0;
}

static const char *find(struct vec *v, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < v->n; i++)
        if (strncmp(v->lines[i], key, len) == 0 && v->lines[i][len] == ' ')
            return v->lines[i] + len + 1;
        else if (strcmp(v->lines[i], key) == 0)
            return v->lines[i] + len;
    return NULL;
}

bool vec_has(struct vec *v, const char *key)
{
    return find(v, key) != NULL;
}

const char *vec_text(struct vec *v, const char *key)
{
    const char *value = find(v, key);
    ck_assert_msg(value != NULL, "%s: no '%s' in the record", v->path, key);
    return value;
}

long vec_int(struct vec *v, const char *key)
{
    char *end;
    const char *value = vec_text(v, key);
    long x = strtol(value, &end, 10);
    ck_assert_msg(*value && !*end, "%s: '%s' is not a number", v->path, key);
    return x;
}

size_t vec_hex(struct vec *v, const char *key, uint8_t *out, size_t cap)
{
    const char *value = vec_text(v, key);
    size_t len = strlen(value);
    ck_assert_msg(len % 2 == 0 && len / 2 <= cap, "%s: '%s' has a bad length", v->path, key);
    for (size_t i = 0; i < len / 2; i++) {
        unsigned byte;
        ck_assert_msg(sscanf(value + 2 * i, "%2x", &byte) == 1, "%s: '%s' is not hex", v->path,
                      key);
        out[i] = (uint8_t)byte;
    }
    return len / 2;
}
