#include "support/test.h"

#include <string.h>

#include "dir/versions.h"

/* The verdicts are those of C tor's tor_version_is_obsolete(). */
START_TEST(test_versions_standing)
{
    static const struct {
        const char *mine, *list, *standing;
    } rows[] = {
        {"0.4.9.11", "0.4.9.11", "recommended"},
        {"0.4.9.11", "0.4.8.1,0.4.9.11,0.4.9.12", "recommended"},
        {"0.4.9.11", "Tor 0.4.9.11", "recommended"},
        {"0.4.9.11 (tunic-0.1.0)", "0.4.9.11", "recommended"},
        {"0.4.9.11", "0.4.9.12,0.5.0.1-alpha", "obsolete"},
        {"0.4.9.11", "0.4.9.1,0.4.8.20", "new"},
        {"0.4.9.11", "0.4.9.10,0.5.0.1", "new in series"},
        {"0.4.9.11", "0.4.9.10,0.4.9.12", "unrecommended"},
        {"0.4.9.11", "0.4.8.1,0.5.0.1", "unrecommended"},
        {"0.4.9.11", "", "none recommended"},
        {"0.4.9.11", "x,0.4,0..1,0.4.9.,0.4.9.11", "recommended"},
        {"0.4.9.11", "nonsense", "unrecommended"},
        {"nonsense", "0.4.9.11", "unrecommended"},
        {"0.4.9.11", " 0.4.9.9 , 0.4.9.10 ", "new"},
        {"0.4.9.11-alpha", "0.4.9.11", "new"},
        {"0.4.9.11-alpha", "0.4.9.11-alpha", "recommended"},
        {"0.4.9.11-alpha", "0.4.9.11-beta", "obsolete"},
        {"0.1.2rc3", "0.1.2.3", "obsolete"},
        {"0.1.2pre9", "0.1.2rc1", "obsolete"},
        {"0.1.2", "0.1.2.0", "recommended"},
        {"0.4.9.11", "0.4.9.99999999999", "unrecommended"},
        {"0.4", "0.4.0.0", "recommended"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *standing =
            version_standing_name(version_standing(text_of(rows[i].mine), text_of(rows[i].list)));
        ck_assert_msg(strcmp(standing, rows[i].standing) == 0, "%s in \"%s\": %s", rows[i].mine,
                      rows[i].list, standing);
    }
}
END_TEST

TESTS("dir/versions", test_versions_standing)
