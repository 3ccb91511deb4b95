/* Memory runs out while a descriptor is held against its signatures: that is said, and nothing of
 * the descriptor, which is a good one. */
#include "support/nomem.h"

#include <stdio.h>

#include "dir/descriptor.h"
#include "support/test.h"

enum { T2026 = 1785146400 + 60 }; /* 2026-07-27 10:01 */

START_TEST(test_nomem_descriptor)
{
    static char file[1 << 20];
    struct descriptor d;
    char why[DESCRIPTOR_WHY_MAX];
    uint64_t k = 0;
    FILE *in = fopen("vectors/dir/live2026/descriptors", "rb");
    ck_assert_ptr_nonnull(in);
    struct text rest = {file, fread(file, 1, sizeof file, in)};
    (void)fclose(in);
    ck_ok(descriptor_next(&rest, &d));
    do {
        int64_t live = nomem.live;
        nomem_begin(++k, 1);
        nomem_in();
        err_t e = descriptor_verify(&d, T2026, why);
        nomem_out();
        ck_err(e, nomem.failed ? ERR_NOMEM : OK);
        if (nomem.failed)
            ck_assert_str_eq(why, "memory ran out");
        ck_assert_int_eq(nomem.live, live);
    } while (nomem.failed);
    ck_assert_uint_gt(k, 2); /* both RSA keys are among them */
}
END_TEST

TESTS("dir/nomem_descriptor", test_nomem_descriptor)
