/* A folder of a test's own, for tests that look at files. */
#ifndef TUNIC_TESTS_SUPPORT_TEMPDIR_H
#define TUNIC_TESTS_SUPPORT_TEMPDIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/test.h"

static char dir[64];

static inline void new_dir(void)
{
    strcpy(dir, "/tmp/tunic-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static inline const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static inline void write_in_dir(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void remove_dir(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static inline mode_t mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

#endif
