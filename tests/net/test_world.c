/* The world of a client: which of its two folders has a file. */
#include "net/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

static struct {
    struct log log;
    char dir[64], last[400];
    struct world world;
} t;

static void sink(void *arg, enum log_level level, const char *line)
{
    (void)arg, (void)level;
    snprintf(t.last, sizeof t.last, "%s", line);
}

static struct files *folder(const char *name)
{
    char path[128];
    struct files *files;
    snprintf(path, sizeof path, "%s/%s", t.dir, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_ok(files_open(fd, path, &t.log, &files));
    return files;
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_WARN, .sink = sink};
    snprintf(t.dir, sizeof t.dir, "/tmp/tunic-world-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.dir));
    ck_ok(net_new(&t.log, NULL, &t.world.net));
    t.world.files = folder("data");
    t.world.cache = folder("cache");
}

static void teardown(void)
{
    static const char *const names[] = {"data/state.damaged", "cache/cached-microdescs.damaged",
                                        "data", "cache"};
    char path[128];
    files_close(t.world.files);
    files_close(t.world.cache);
    net_free(t.world.net);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", t.dir, names[i]);
        (void)remove(path);
    }
    ck_assert_int_eq(rmdir(t.dir), 0);
}

/* NAME is in FILES, and nowhere else. */
static void check_place(struct files *files, const char *name)
{
    struct files *other = files == t.world.files ? t.world.cache : t.world.files;
    struct blob bytes;
    const struct text it[] = {TEXT_LIT("i"), TEXT_LIT("t")};
    ck_ok(world_ops.store(&t.world, name, it, 2, false));
    ck_err(files_load(other, name, &bytes), ERR_NOT_FOUND);
    ck_ok(files_load(files, name, &bytes));
    blob_drop(&bytes);
    ck_ok(world_ops.read_back(&t.world, name, &bytes));
    ck_assert(text_is(bytes.text, "it"));
    blob_drop(&bytes);
    ck_ok(world_ops.set_aside(&t.world, name));
    ck_err(world_ops.read_back(&t.world, name, &bytes), ERR_NOT_FOUND);
}

/* tor(1), CacheDirectory: "Store cached directory data in DIR." The journal of microdescriptors is
 * merged into their file where it lies. */
START_TEST(test_world_reads_a_file_back_from_the_folder_that_it_is_stored_in)
{
    setup();
    check_place(t.world.files, "state");
    check_place(t.world.cache, "cached-microdescs");
    teardown();
}
END_TEST

static err_t load(void)
{
    const struct client_config config = client_config_defaults(false);
    struct client *c;
    char why[CLIENT_WHY_MAX];
    ck_ok(client_new(net_env(t.world.net), &config, &world_ops, &t.world, &c, why));
    t.last[0] = 0;
    err_t e = world_load(&t.world, c);
    client_free(c);
    return e;
}

/* The only file whose loss costs something is the one that remembers the guards. */
START_TEST(test_world_loads_what_is_there_and_stops_for_the_guards_only)
{
    const struct text state = TEXT_LIT("TorVersion x\n");
    char path[128];
    setup();
    ck_ok(load());
    ck_assert_str_eq(t.last, "");
    ck_ok(world_ops.store(&t.world, "state", &state, 1, false));
    ck_ok(load());
    ck_assert_str_eq(t.last, "");
    snprintf(path, sizeof path, "%s/cache/cached-microdescs", t.dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_ok(load());
    (void)rmdir(path);
    snprintf(path, sizeof path, "%s/data/state", t.dir);
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_err(load(), ERR_IO);
    ck_assert_ptr_nonnull(strstr(t.last, "Unable to read state file \""));
    (void)rmdir(path);
    teardown();
}
END_TEST

START_TEST(test_world_without_folders_keeps_nothing)
{
    struct world none = {.net = NULL};
    const struct text it = TEXT_LIT("it");
    struct blob bytes;
    ck_ok(net_new(&t.log, NULL, &none.net));
    ck_ok(world_ops.store(&none, "state", &it, 1, false));
    ck_err(world_ops.read_back(&none, "state", &bytes), ERR_NOT_FOUND);
    net_free(none.net);
}
END_TEST

TESTS("net/world", test_world_reads_a_file_back_from_the_folder_that_it_is_stored_in,
      test_world_loads_what_is_there_and_stops_for_the_guards_only,
      test_world_without_folders_keeps_nothing)
