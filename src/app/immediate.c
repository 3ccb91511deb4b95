#include "app/immediate.h"

#include <stdio.h>
#include <string.h>

#include "app/load.h"
#include "app/version.h"
#include "crypto/s2k.h"
#include "crypto/secret.h"

/* What the other programs are for, in the order of cmdline_programs. */
static const char *const programs[] = {
    "a private Tor network in this process, for tests",
    "documents of Tor's directory, verified",
    "a relay of your own, tried rule by rule",
    "directory documents, made and signed for tests",
    "what relays carry, measured as FlashFlow does it",
    "steers a running Tunic or tor through its control port",
};

static const char HELP_HEAD[] =
    "Tunic " TUNIC_VERSION ": a Tor client with tor's options, independent of the Tor Project.\n"
    "\n"
    "tunic -f <torrc> [--Option value]... [+Option value] [/Option]\n";
static const char HELP[] =
    "\n"
    "  -f FILE                 read FILE instead of " TUNIC_CONFIG_DIR "/torrc or ~/.torrc; - is\n"
    "                          standard input\n"
    "  --defaults-torrc FILE   read FILE before it, instead of " TUNIC_CONFIG_DIR
    "/torrc-defaults\n"
    "  --ignore-missing-torrc  go on with the defaults if FILE is not there\n"
    "  --verify-config         only tell whether the configuration is valid\n"
    "  --dump-config short     print the options that differ from the defaults, or: non-builtin,\n"
    "                          full\n"
    "  --list-torrc-options    print the name of every option\n"
    "  --hash-password WORD    print what HashedControlPassword takes for it\n"
    "  --hush, --quiet         log from warnings up; nothing\n"
    "  --version, --library-versions, --list-modules, --help\n"
    "\n"
    "Every option, with examples and files: man tunic.\n";

/* What programs look for first and last in tor's help, stem's among them. */
static const char TOR_HELP_BEGIN[] = "Copyright (c) 2001 and later for tor, by its authors. This "
                                     "is not tor, and has no code of it.\n\n";
static const char TOR_HELP_END[] =
    "\ntor -f <torrc> [args]\n"
    "See man page for options, or https://www.torproject.org/ for documentation.\n";

void immediate_help(const char *called)
{
    const char *slash = strrchr(called, '/');
    bool as_tor = strcmp(slash ? slash + 1 : called, "tor") == 0;
    fputs(as_tor ? TOR_HELP_BEGIN : "", stdout);
    fputs(HELP_HEAD, stdout);
    for (size_t i = 0; cmdline_programs[i]; i++)
        printf("tunic %-8s ...        %s; see tunic %s --help\n", cmdline_programs[i], programs[i],
               cmdline_programs[i]);
    fputs(HELP, stdout);
    fputs(as_tor ? TOR_HELP_END : "", stdout);
}

static int list_options(void)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++)
        if (opt_listed(&table[i]))
            puts(table[i].name);
    return 0;
}

static int list_deprecated(void)
{
    puts("HTTPProxy\nHTTPProxyAuthenticator\nReachableDirAddresses\nClientPreferIPv6DirPort");
    return 0;
}

static int list_modules(void)
{
    puts("relay: no\ndirauth: no\ndircache: no\npow: no");
    return 0;
}

/* With a salt of its own, so that two hashes of one password do not tell that it is one. */
static int hash_password(const char *password)
{
    uint8_t specifier[S2K_SPECIFIER_LEN];
    char text[S2K_TEXT_SIZE];
    if (crypto_init() != OK)
        return 1;
    crypto_random(NULL, specifier, S2K_SALT_LEN);
    specifier[S2K_SALT_LEN] = S2K_COUNT_64K;
    puts(s2k_encode(password, strlen(password), specifier, text));
    return 0;
}

int immediate_run(const struct cmdline *c, const char *called, const struct log *log)
{
    switch (c->command) {
    case CMD_VERSION:
        version_print(stdout);
        return 0;
    case CMD_HELP:
        immediate_help(called);
        return 0;
    case CMD_LIST_OPTIONS:
        return list_options();
    case CMD_LIST_DEPRECATED:
        return list_deprecated();
    case CMD_LIST_MODULES:
        return list_modules();
    case CMD_LIBRARY_VERSIONS:
        version_print_libraries(stdout);
        return 0;
    case CMD_HASH_PASSWORD:
        return hash_password(c->argument);
    case CMD_RELAY_ONLY:
        log_err(log, "This command is for relays, and Tunic is a client.");
        return 1;
    case CMD_RUN:
    case CMD_VERIFY_CONFIG:
    case CMD_DUMP_CONFIG:
    case CMD_LIST_FINGERPRINT:
        break;
    }
    return -1;
}
