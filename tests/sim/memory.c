#include "sim/memory.h"

#include <stdlib.h>
#include <string.h>

struct memory memory;

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

static bool must_fail(void)
{
    if (!memory.in_client)
        return false;
    memory.client_made++;
    if (!memory.fail_in || --memory.fail_in)
        return false;
    if (memory.fail_n && --memory.fail_n)
        memory.fail_in = 1;
    memory.failed++;
    return true;
}

static void *count(void *p)
{
    memory.live += p != NULL;
    memory.client_live += p != NULL && memory.in_client;
    return p;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : count(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (must_fail())
        return NULL;
    void *p = __real_realloc(old, size);
    return old ? p : count(p);
}

void __wrap_free(void *p)
{
    memory.live -= p != NULL;
    memory.client_live -= p != NULL && memory.in_client;
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
