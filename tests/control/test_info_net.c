/* GETINFO of documents, of a client with a small network and its cache files in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/info.h"
#include "control/knowncontrol.h"
#include "control/ns.h"

enum { MOST = 1 << 20 };

/* Not running: what it knows stays as it is. */
static void begin_still(bool whether)
{
    begin(whether, false);
    client_stop(known.client);
}

/* ---- asking ---- */

/* The value, which the caller frees; on an error the WHY, or "". */
static err_t ask(const char *key, char **out)
{
    struct text_out value = text_out(MOST);
    const char *why = NULL;
    err_t e = info_get(t.control, key, &value, &why);
    if (e == OK)
        ck_ok(out_end(&value));
    *out = strdup(e == OK ? out_text(&value) : why ? why : "");
    out_free(&value);
    return e;
}

static void assert_answer(const char *key, err_t want, const char *text)
{
    char *value;
    ck_err(ask(key, &value), want);
    ck_assert_msg(strcmp(value, text) == 0, "%s: \"%.200s\", not \"%.200s\"", key, value, text);
    free(value);
}

/* So much later the files are read again. */
static void forget(void)
{
    test_env_advance_ms(known.net->env, 5000);
}

static const char *fingerprint(size_t node)
{
    static char hex[HEX_SIZE(20)];
    return hex_upper(known.net->id[node].rsa_id.b, 20, hex);
}

static char *microdesc_of(size_t node)
{
    const struct netdir *nd = dirmgr_known(client_dirmgr(known.client));
    const struct router *r = netdir_by_rsa(nd, &known.net->id[node].rsa_id);
    return text_dup(netdocs_microdesc(known.net->docs, r->md_digest.b));
}

/* ---- tests ---- */

START_TEST(test_info_without_a_network)
{
    static const struct {
        const char *key, *text;
        err_t e;
    } rows[] = {
        /* C tor, getinfo_helper_networkstatus(): whatever is asked for */
        {"ns/all", "", OK},
        {"ns/id/x", "", OK},
        {"ns/name/x", "", OK},
        {"ns/purpose/x", "", OK},
        {"consensus/valid-after", "", OK},
        {"consensus/packages", "", OK},
        {"consensus/x", "", OK},
        {"sr/current", "", OK},
        {"sr/previous", "", OK},
        {"md/all", "", OK},
        {"md/id/0123456789012345678901234567890123456789", "", ERR_NOT_FOUND},
        {"md/name/x", "", ERR_NOT_FOUND},
        {"status/version/recommended", "?", OK},
        {"status/version/current", "unknown", OK},
        {"dir/status-vote/current/consensus-microdesc",
         "Could not open cached consensus. Make sure FetchUselessDescriptors is set to 1.",
         ERR_STATE},
    };
    begin_still(false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_answer(rows[i].key, rows[i].e, rows[i].text);
    end();
}
END_TEST

START_TEST(test_info_of_relays)
{
    char key[100];
    struct text_out entry = text_out(MOST);
    begin_still(true);
    const struct netdir *nd = dirmgr_known(client_dirmgr(known.client));
    ns_entry(&entry, netdir_by_rsa(nd, &known.net->id[5].rsa_id));
    snprintf(key, sizeof key, "ns/id/%s", fingerprint(5));
    assert_answer(key, OK, out_text(&entry));
    snprintf(key, sizeof key, "ns/id/$%s", fingerprint(5));
    assert_answer(key, OK, out_text(&entry));
    snprintf(key, sizeof key, "ns/name/%s", known.net->plan.node[5].nickname);
    assert_answer(key, OK, out_text(&entry));
    out_cut(&entry, 0);
    ns_entries(&entry, nd);
    assert_answer("ns/all", OK, out_text(&entry));
    assert_answer("ns/id/01", ERR_ARG, "Data not decodeable as hex");
    assert_answer("ns/name/nobody", ERR_NOT_FOUND, "");
    assert_answer("ns/purpose/bridge", OK, "");
    assert_answer("ns/purpose/x", ERR_ARG, "");
    assert_answer("ns/x", ERR_NOT_FOUND, "");
    out_free(&entry);
    end();
}
END_TEST

START_TEST(test_info_of_the_consensus)
{
    char *text;
    begin_still(true);
    assert_answer("consensus/valid-after", OK, "2026-01-01 00:00:00");
    assert_answer("consensus/fresh-until", OK, "2026-01-01 01:00:00");
    assert_answer("consensus/valid-until", OK, "2026-01-01 03:00:00");
    assert_answer("consensus/x", ERR_NOT_FOUND, "");
    text = text_dup(known.file[DIR_FILE_CONSENSUS]);
    assert_answer("dir/status-vote/current/consensus-microdesc", OK, text);
    free(text);
    assert_answer("consensus/packages", OK, "");
    const struct netdir *nd = dirmgr_known(client_dirmgr(known.client));
    ck_assert_str_ne(netdir_consensus(nd)->client_versions, "");
    assert_answer("status/version/recommended", OK, netdir_consensus(nd)->client_versions);
    end();
}
END_TEST

START_TEST(test_info_of_microdescriptors)
{
    char key[100], *md;
    begin_still(true);
    md = microdesc_of(4);
    snprintf(key, sizeof key, "md/id/%s", fingerprint(4));
    assert_answer(key, OK, md);
    snprintf(key, sizeof key, "md/id/$%s~%s", fingerprint(4), known.net->plan.node[4].nickname);
    assert_answer(key, OK, md);
    snprintf(key, sizeof key, "md/name/%s", known.net->plan.node[4].nickname);
    assert_answer(key, OK, md);
    assert_answer("md/id/x", ERR_NOT_FOUND, "");
    assert_answer("md/all", OK, known.microdescs);
    /* In both files, as after a merge that was cut short: each still once. */
    known.file[DIR_FILE_MICRODESCS_NEW] = text_of(known.microdescs);
    assert_answer("md/all", OK, known.microdescs);
    forget();
    assert_answer("md/all", OK, known.microdescs);
    known.file[DIR_FILE_MICRODESCS] = (struct text){NULL, 0};
    forget();
    assert_answer(key, OK, md);
    /* The files are read once for all who ask within some seconds. */
    known.file[DIR_FILE_MICRODESCS_NEW] = (struct text){NULL, 0};
    test_env_advance_ms(known.net->env, 1000);
    assert_answer(key, OK, md);
    forget();
    assert_answer("md/all", OK, "");
    assert_answer(key, ERR_NOT_FOUND, "");
    free(md);
    end();
}
END_TEST

/* What a file says was not looked at since it was written: anything may stand there. */
START_TEST(test_info_of_damaged_files)
{
    char *value, *md;
    begin_still(true);
    md = microdesc_of(4);
    size_t whole = strlen(known.microdescs);
    for (size_t len = 0; len < whole; len += 97) {
        known.file[DIR_FILE_MICRODESCS].len = len;
        forget();
        ck_ok(ask("md/all", &value));
        ck_assert_uint_le(strlen(value), len);
        free(value);
    }
    /* One byte of it is another: it is not the one that was signed. */
    known.file[DIR_FILE_MICRODESCS].len = whole;
    char *at = strstr(known.microdescs, md);
    ck_assert_ptr_nonnull(at);
    at[strlen(md) - 10]++;
    forget();
    ck_ok(ask("md/all", &value));
    ck_assert_uint_eq(strlen(value), whole - strlen(md));
    free(value);
    free(md);
    end();
}
END_TEST

START_TEST(test_info_of_what_a_client_has_not)
{
    static const struct {
        const char *key, *text;
        err_t e;
    } rows[] = {
        {"desc/all-recent", "", OK},
        {"desc/download-enabled", "0", OK},
        {"md/download-enabled", "1", OK},
        {"desc/id/x",
         "We fetch microdescriptors, not router descriptors. You'll need to use md/id/* instead of "
         "desc/id/*.",
         ERR_NOT_FOUND},
        {"dir/server/all", "Servers unavailable", ERR_STATE},
        {"dir/server/x", "Key not recognized", ERR_STATE},
        {"dir/status/all", "", OK},
        {"hs/client/desc/id/x", "Invalid address", ERR_STATE},
        /* rend-spec-v3's example address, and the same with another checksum and version */
        {"hs/client/desc/id/pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd",
         "Not found in cache", ERR_STATE},
        {"hs/service/desc/id/pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd",
         "Not found in cache", ERR_STATE},
        {"hs/client/desc/id/pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pszryd",
         "Invalid address", ERR_STATE},
        {"hs/client/desc/id/pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrye",
         "Invalid address", ERR_STATE},
        {"exit-policy/full", "Not running in server mode", ERR_NOT_FOUND},
        {"fingerprint", "Not running in server mode", ERR_STATE},
        {"address", "Address unknown", ERR_STATE},
        {"downloads/networkstatus/x", "Unknown flavor", ERR_ARG},
        {"downloads/desc/descs", "We don't seem to have a networkstatus-flavored consensus",
         ERR_ARG},
        {"downloads/cert/fp/x/", "That didn't look like an identity digest", ERR_ARG},
        {"downloads/cert/fp//", "That didn't look like an identity digest", ERR_ARG},
        {"downloads/cert/fp/", "That didn't look like a digest", ERR_ARG},
        {"stats/tap/requested", "0", OK},
        {"stats/tap/", "Unrecognized handshake type", ERR_ARG},
    };
    begin_still(true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_answer(rows[i].key, rows[i].e, rows[i].text);
    end();
}
END_TEST

START_TEST(test_info_of_downloads)
{
    char key[100], *value;
    begin_still(true);
    assert_answer("downloads/networkstatus/microdesc/bootstrap", OK,
                  "next-attempt-at 2026-01-01 00:00:00\nn-download-failures 0\n"
                  "n-download-attempts 0\nschedule DL_SCHED_CONSENSUS\n"
                  "want-authority DL_WANT_ANY_DIRSERVER\n"
                  "increment-on DL_SCHED_INCREMENT_ATTEMPT\n"
                  "backoff DL_SCHED_RANDOM_EXPONENTIAL\nlast-backoff-position 0\n"
                  "last-delay-used 0\n");
    /* The next consensus is fetched when this one is old. */
    ck_ok(ask("downloads/networkstatus/microdesc", &value));
    ck_assert_ptr_nonnull(strstr(value, "next-attempt-at 2026-01-01 0"));
    ck_assert_str_gt(value, "next-attempt-at 2026-01-01 01:");
    free(value);
    ck_ok(ask("downloads/cert/fps", &value));
    ck_assert_uint_eq(strlen(value), 3 * 41);
    for (size_t i = 0; i < 3; i++) {
        char v3[HEX_SIZE(20)];
        hex_upper(netdocs_v3_id(known.net->docs, i), 20, v3);
        ck_assert_ptr_nonnull(strstr(value, v3));
        snprintf(key, sizeof key, "downloads/cert/fp/%s/sks", v3);
        assert_answer(key, OK, "");
    }
    free(value);
    assert_answer("downloads/cert/fp/0123456789012345678901234567890123456789/sks", ERR_ARG,
                  "Failed to get list of signing key digests for this authority identity digest");
    end();
}
END_TEST

TESTS("control/info_net", test_info_without_a_network, test_info_of_relays,
      test_info_of_the_consensus, test_info_of_microdescriptors, test_info_of_damaged_files,
      test_info_of_what_a_client_has_not, test_info_of_downloads)
