#include "app/version.h"

#include <lzma.h>
#include <sys/utsname.h>
#include <zlib.h>
#include <zstd.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#define LIBC_NAME    "Glibc"
#define LIBC_VERSION gnu_get_libc_version()
#define STR_(x)      #x
#define STR(x)       STR_(x)
#define LIBC_BUILT   STR(__GLIBC__) "." STR(__GLIBC_MINOR__)
#else
#define LIBC_NAME    "Libc"
#define LIBC_VERSION "N/A"
#define LIBC_BUILT   "N/A"
#endif

#include "base/version.h"
#include "crypto/version.h"
#include "net/version.h"

const char *version_platform(char out[VERSION_PLATFORM_MAX])
{
    struct utsname u;
    snprintf(out, VERSION_PLATFORM_MAX,
             "running on %s with Libevent %s, OpenSSL %s, Sodium %s, Zlib %s, Liblzma %s, "
             "Libzstd %s and %s %s as libc.",
             uname(&u) == 0 ? u.sysname : "an unknown system", net_libevent_version(),
             crypto_openssl_version(), crypto_sodium_version(), zlibVersion(),
             lzma_version_string(), ZSTD_versionString(), LIBC_NAME, LIBC_VERSION);
    return out;
}

void version_print(FILE *out)
{
    char platform[VERSION_PLATFORM_MAX];
    fprintf(out, "Tor version %s.\n", version_for_controllers());
    fprintf(out,
            "This is Tunic %s, a Tor client that takes tor %s's options; it is not tor, and it is "
            "independent of the Tor Project.\n",
            TUNIC_VERSION, TOR_COMPAT_VERSION);
    fprintf(out, "Tunic is %s\n", version_platform(platform));
#ifdef __clang__
    fprintf(out, "Tunic compiled with Clang version %s\n", __clang_version__);
#elif defined(__GNUC__)
    fprintf(out, "Tunic compiled with GCC version %s\n", __VERSION__);
#endif
}

void version_print_libraries(FILE *out)
{
    const struct {
        const char *name, *built, *runs;
    } rows[] = {
        {"Libevent", net_libevent_built(), net_libevent_version()},
        {"OpenSSL", crypto_openssl_built(), crypto_openssl_version()},
        {"Sodium", crypto_sodium_built(), crypto_sodium_version()},
        {"Zlib", ZLIB_VERSION, zlibVersion()},
        {"Liblzma", LZMA_VERSION_STRING, lzma_version_string()},
        {"Libzstd", ZSTD_VERSION_STRING, ZSTD_versionString()},
        {LIBC_NAME, LIBC_BUILT, LIBC_VERSION},
    };
    fprintf(out, "Tunic version %s.\n%-15s %-15s %s\n", TUNIC_VERSION, "Library versions",
            "Compiled", "Runtime");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(out, "%-15s %-15s %s\n", rows[i].name, rows[i].built, rows[i].runs);
}
