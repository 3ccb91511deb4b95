/* The bytes of a file, valid until the next one is read. To be included by one file of a program.
 */
#ifndef TUNIC_TESTS_DOCFILE_H
#define TUNIC_TESTS_DOCFILE_H

#include <stdio.h>

#include "base/text.h"
#include "support/test.h"

static char file[1 << 20];

static struct text read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    ck_assert_msg(in != NULL, "%s", path);
    struct text t = {file, fread(file, 1, sizeof file, in)};
    ck_assert(feof(in));
    (void)fclose(in);
    return t;
}

#endif
