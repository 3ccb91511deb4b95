/* An allocator that fails where a test says so. The program is linked with --wrap for malloc() and
 * its like (Makefile: tests/LAYER/test_nomem_*.c), and only what runs between nomem_in() and
 * nomem_out() is counted and may fail: tests themselves have what they need. To be included by one
 * file of a program. OpenSSL's own allocations are not seen: tests/link/test_nomem.c has those. */
#ifndef TUNIC_TESTS_NOMEM_H
#define TUNIC_TESTS_NOMEM_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
    bool in;
    uint64_t made;    /* allocations inside, that were asked for */
    uint64_t fail_at; /* the so-manieth fails; 0: none */
    uint64_t fail_n;  /* and so many in all, in a row; 0: one */
    uint64_t failed;
    int64_t live; /* of the program, all */
} nomem;

static bool wrapped_fails(void)
{
    if (!nomem.in)
        return false;
    uint64_t nth = ++nomem.made, n = nomem.fail_n ? nomem.fail_n : 1;
    bool fails = nomem.fail_at && nth >= nomem.fail_at && nth < nomem.fail_at + n;
    nomem.failed += fails;
    return fails;
}

static void wrapped_live(int n)
{
    nomem.live += n;
}

#include "support/wrapped.h"

/* What they give is the caller's to free: an array, and each of its names. */
typedef int nomem_filter(const struct dirent *d);
typedef int nomem_order(const struct dirent **a, const struct dirent **b);
int __real_scandir(const char *dir, struct dirent ***names, nomem_filter *f, nomem_order *o);
int __real_scandirat(int at, const char *dir, struct dirent ***names, nomem_filter *f,
                     nomem_order *o);
int __wrap_scandir(const char *dir, struct dirent ***names, nomem_filter *f, nomem_order *o);
int __wrap_scandirat(int at, const char *dir, struct dirent ***names, nomem_filter *f,
                     nomem_order *o);

static bool nomem_fails_by_errno(void)
{
    bool fails = wrapped_fails();
    errno = fails ? ENOMEM : errno;
    return fails;
}

int __wrap_scandir(const char *dir, struct dirent ***names, nomem_filter *f, nomem_order *o)
{
    int n = nomem_fails_by_errno() ? -1 : __real_scandir(dir, names, f, o);
    nomem.live += n < 0 ? 0 : n + (*names != NULL);
    return n;
}

int __wrap_scandirat(int at, const char *dir, struct dirent ***names, nomem_filter *f,
                     nomem_order *o)
{
    int n = nomem_fails_by_errno() ? -1 : __real_scandirat(at, dir, names, f, o);
    nomem.live += n < 0 ? 0 : n + (*names != NULL);
    return n;
}

struct json_t;
struct json_error_t;
struct json_t *__real_json_loadb(const char *at, size_t len, size_t flags, struct json_error_t *e);
struct json_t *__wrap_json_loadb(const char *at, size_t len, size_t flags, struct json_error_t *e);

/* jansson reads in peace: what it does without memory is its own (measure/jsontext.h). */
struct json_t *__wrap_json_loadb(const char *at, size_t len, size_t flags, struct json_error_t *e)
{
    bool was = nomem.in;
    nomem.in = false;
    struct json_t *object = __real_json_loadb(at, len, flags, e);
    nomem.in = was;
    return object;
}

/* The K-th allocation from now on fails, and as many as FAIL_N in a row. */
static inline void nomem_begin(uint64_t k, uint64_t fail_n)
{
    nomem.in = false;
    nomem.made = nomem.failed = 0;
    nomem.fail_at = k;
    nomem.fail_n = fail_n;
}

static inline void nomem_in(void)
{
    nomem.in = true;
}

static inline bool nomem_out(void)
{
    bool was = nomem.in;
    nomem.in = false;
    return was;
}

/* What a test does when it is called from inside. */
#define NOMEM_PEACE(code)        \
    do {                         \
        bool was_ = nomem_out(); \
        code;                    \
        nomem.in = was_;         \
    } while (0)

#endif
