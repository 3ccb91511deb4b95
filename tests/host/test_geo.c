/* The GeoIP files: read when they are asked for, again when they have changed, and refused where
 * node lists want what they cannot say. */
#include "host/geo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/capture.h"
#include "host/host.h"

static struct {
    struct capture *log;
    struct geo geo;
    char path[64];
} t;

static void setup(void)
{
    t.log = capture_new();
    t.geo = (struct geo){.log = &t.log->log};
    strcpy(t.path, "/tmp/tunic-geo-XXXXXX");
    ck_assert_int_ge(mkstemp(t.path), 0);
}

static void teardown(void)
{
    geo_free(&t.geo);
    free(t.log);
    unlink(t.path);
}

/* A file of its own in its place, as an upgrade of the package makes it. */
static void write_file(const char *text)
{
    char fresh[sizeof t.path + 4];
    snprintf(fresh, sizeof fresh, "%s.new", t.path);
    FILE *f = fopen(fresh, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(fresh, t.path), 0);
}

static struct options *options_of(const char *name, const char *value)
{
    const char *const pairs[] = {"GeoIPFile", t.path, "GeoIPv6File", "/nowhere/geoip6",
                                 name,        value,  NULL};
    struct options *o;
    struct conf_err e = {""};
    err_t err = host_options_of(pairs, false, &o, &e);
    ck_assert_msg(err == OK, "%s", e.text);
    return o;
}

static const char *country_now(const struct options *o)
{
    static char cc[GEOIP_CC];
    const struct ip ip = {.family = IP_V4, .b = {1, 0, 0, 7}};
    struct geoip *g;
    ck_ok(geo_read(&t.geo, o, IP_V4, &g));
    return geoip_country(g, &ip, cc);
}

START_TEST(test_geo_is_read_once_and_again_when_it_has_changed)
{
    setup();
    struct options *o = options_of("NodeFamily", "a,b");
    struct geoip *first, *again;
    write_file("16777216,16777471,AU\n");
    ck_assert_ptr_null(t.geo.v4.table); /* nobody asked */
    ck_assert_str_eq(country_now(o), "au");
    ck_ok(geo_read(&t.geo, o, IP_V4, &first));
    ck_ok(geo_read(&t.geo, o, IP_V4, &again));
    ck_assert_ptr_eq(first, again);
    geoip_ref(first); /* whoever holds it keeps it */
    write_file("16777216,16777471,NZ\n");
    ck_assert_str_eq(country_now(o), "nz");
    ck_assert(geoip_knows(first, "au"));
    geoip_unref(&first);
    unlink(t.path);
    ck_err(geo_read(&t.geo, o, IP_V4, &again), ERR_IO);
    ck_assert_ptr_null(again);
    ck_err(geo_read(&t.geo, o, IP_V6, &again), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.log->text, "Failed to open GEOIP file /nowhere/geoip6."));
    options_free(o);
    teardown();
}
END_TEST

START_TEST(test_geo_leaves_no_file_open)
{
    setup();
    struct options *o = options_of("NodeFamily", "a,b");
    write_file("16777216,16777471,AU\n");
    int before = dup(0);
    close(before);
    ck_assert_str_eq(country_now(o), "au");
    int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
    options_free(o);
    teardown();
}
END_TEST

START_TEST(test_geo_for_node_lists)
{
    setup();
    static const struct {
        const char *option, *value, *file, *says;
        err_t e;
        bool table;
    } rows[] = {
        {"ExcludeNodes", "a,192.0.2.0/24", "", "", OK, false}, /* no country: not read */
        {"ExcludeNodes", "a,{au}", "16777216,16777471,AU\n", "", OK, true},
        {"ExcludeNodes", "{??}", "16777216,16777471,AU\n", "", OK, true},
        {"ExcludeExitNodes", "{xx}", "16777216,16777471,AU\n",
         "Country code 'xx' is not recognized.", OK, true},
        {"EntryNodes", "{au}", "nonsense\n", "Unable to parse 1 lines", ERR_MALFORMED, false},
        {"MiddleNodes", "{au}", NULL, "", ERR_IO, false},
        {"NodeFamily", "{au},a", NULL, "", ERR_IO, false},
        {"ExitNodes", "{au}", "", "", ERR_MALFORMED, false},
        {"GeoIPExcludeUnknown", "1", "16777216,16777471,AU\n", "", OK, true},
        {"GeoIPExcludeUnknown", "1", NULL, "", OK, false},
        {"GeoIPExcludeUnknown", "auto", "16777216,16777471,AU\n", "", OK, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct options *o = options_of(rows[i].option, rows[i].value);
        struct conf_err e = {""};
        struct geoip *g;
        t.log->text[0] = 0;
        if (rows[i].file)
            write_file(rows[i].file);
        else
            unlink(t.path);
        err_t err = geo_read_for_nodes(&t.geo, o, &g, &e);
        ck_assert_msg(err == rows[i].e, "row %zu: %s", i, err_name(err));
        if (err != OK)
            ck_assert_msg(strstr(e.text, rows[i].option) && strstr(e.text, "needs GeoIPFile"),
                          "row %zu: %s", i, e.text);
        else
            ck_assert_msg(!g == !rows[i].table, "row %zu", i);
        ck_assert_msg(strstr(t.log->text, rows[i].says) != NULL, "row %zu: %s", i, t.log->text);
        options_free(o);
    }
    teardown();
}
END_TEST

/* Nobody writes to the pipe, and nobody waits for it. */
START_TEST(test_geo_of_a_folder_or_pipe_is_an_error)
{
    setup();
    unlink(t.path);
    ck_assert_int_eq(mkfifo(t.path, 0600), 0);
    const char *const paths[] = {"/tmp", t.path};
    for (size_t i = 0; i < 2; i++) {
        const char *const pairs[] = {"GeoIPFile", paths[i], NULL};
        struct options *o;
        struct conf_err e;
        struct geoip *g;
        ck_ok(host_options_of(pairs, false, &o, &e));
        ck_err(geo_read(&t.geo, o, IP_V4, &g), ERR_IO);
        ck_assert_ptr_null(g);
        options_free(o);
    }
    teardown();
}
END_TEST

TESTS("host/geo", test_geo_is_read_once_and_again_when_it_has_changed, test_geo_leaves_no_file_open,
      test_geo_for_node_lists, test_geo_of_a_folder_or_pipe_is_an_error)
