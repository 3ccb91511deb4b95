/* malloc() and its like, for a program that is linked with --wrap for them. Whoever includes this,
 * one file of it, says before whether the next one fails (wrapped_fails()), and counts what lives
 * (wrapped_live(), of one more or less). */
#ifndef TUNIC_TESTS_WRAPPED_H
#define TUNIC_TESTS_WRAPPED_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool wrapped_fails(void);
static void wrapped_live(int n);

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t most);

static void *wrapped_counted(void *p)
{
    wrapped_live(p != NULL);
    return p;
}

void *__wrap_malloc(size_t size)
{
    return wrapped_fails() ? NULL : wrapped_counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return wrapped_fails() ? NULL : wrapped_counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (wrapped_fails())
        return NULL;
    void *p = __real_realloc(old, size);
    return old ? p : wrapped_counted(p);
}

void __wrap_free(void *p)
{
    wrapped_live(-(p != NULL));
    __real_free(p);
}

char *__wrap_strndup(const char *s, size_t most)
{
    size_t len = strnlen(s, most);
    char *copy = __wrap_malloc(len + 1);
    if (!copy)
        return NULL;
    copy[len] = 0;
    return memcpy(copy, s, len);
}

char *__wrap_strdup(const char *s)
{
    return __wrap_strndup(s, strlen(s));
}

#endif
