/* Files that are cut anywhere, changed anywhere, of another network, or that cannot be written: the
 * start takes what is whole, and nothing else is lost. */
#include "dirworld.h"

#define WHOLE SIZE_MAX

enum {
    FEW = 5,
    CHANGE_EVERY = 4, /* of bytes that are signed: each change is as good as any */
};

static const char begins_entry[] = "@last-listed ";

/* Starts with the stored files, but of FILE the first LEN bytes only, or with byte AT changed. */
static void restart(struct world *w, enum dir_file file, size_t len, size_t at)
{
    struct text files[FILES];
    struct buf copies[FILES];
    w->log[0] = 0;
    memset(w->aside, 0, sizeof w->aside);
    if (len < w->files[file].len)
        w->files[file].len = len;
    if (at < w->files[file].len)
        buf_at(&w->files[file])[at] ^= at % 2 ? 0x80 : 1;
    for (int f = 0; f < FILES; f++) {
        buf_init(&copies[f], 1 << 24);
        ck_ok(buf_add(&copies[f], buf_at(&w->files[f]), w->files[f].len));
        files[f] = buf_text(&copies[f]);
    }
    dirmgr_free(&w->d);
    make_manager(w);
    ck_ok(dirmgr_load(w->d, files));
    for (int f = 0; f < FILES; f++)
        buf_free(&copies[f]);
}

static size_t known(const struct world *w)
{
    size_t n = 0;
    struct netdir *nd = dirmgr_newest(w->d);
    for (size_t i = 0; nd && i < netdir_n(nd); i++)
        n += netdir_at(nd, i)->has_md;
    return n;
}

/* How many entries end within the first LEN bytes. */
static size_t whole_entries(const struct buf *file, size_t len)
{
    const size_t mark = strlen(begins_entry);
    size_t n = len == file->len;
    for (size_t i = 1; i <= len && i + mark <= file->len; i++)
        n += memcmp(buf_at(file) + i, begins_entry, mark) == 0;
    return n;
}

struct kept {
    struct world *w;
    struct buf files[FILES];
};

/* A client of FEW relays that has everything, half of the microdescriptors in the journal. */
static struct kept keep(void)
{
    struct kept k = {.w = world_new(0)};
    struct world *w = k.w;
    struct dir_request rq;
    w->n_relays = FEW;
    dirmgr_start(w->d);
    expect(w, DIR_WANT_CONSENSUS, &rq);
    answer_consensus(w, &rq, N, FAKE_AFTER_S);
    expect(w, DIR_WANT_CERTS, &rq);
    answer_certs(w, &rq, N);
    expect(w, DIR_WANT_MICRODESCS, &rq);
    answer_mds(w, &rq, 0, FEW);
    struct buf *journal = &w->files[DIR_FILE_MICRODESCS_NEW];
    size_t half = journal->len / 2;
    while (memcmp(buf_at(journal) + half, begins_entry, strlen(begins_entry)) != 0)
        half++;
    ck_ok(buf_add(&w->files[DIR_FILE_MICRODESCS], buf_at(journal), half));
    buf_drain(journal, half);
    for (int f = 0; f < FILES; f++) {
        buf_init(&k.files[f], 1 << 24);
        ck_ok(buf_add(&k.files[f], buf_at(&w->files[f]), w->files[f].len));
    }
    return k;
}

static void put_back(struct kept *k)
{
    for (int f = 0; f < FILES; f++) {
        k->w->files[f].len = 0;
        ck_ok(buf_add(&k->w->files[f], buf_at(&k->files[f]), k->files[f].len));
    }
}

static void let_go(struct kept *k)
{
    for (int f = 0; f < FILES; f++)
        buf_free(&k->files[f]);
    world_free(k->w);
}

/* Only FILE may be called damaged. */
static void check_others(const struct world *w, enum dir_file file)
{
    for (int f = 0; f < FILES; f++)
        ck_assert_msg(!w->aside[f] || f == (int)file, "%s is set aside for %s: %s",
                      dir_file_name((enum dir_file)f), dir_file_name(file), w->log);
}

/* Fetches what is missing but microdescriptors: what is known of these then, without asking. */
static void complete(struct kept *k)
{
    struct world *w = k->w;
    struct dir_request rq;
    dirmgr_start(w->d);
    settle(w);
    for (int i = 0; i < 4 && dirmgr_next(w->d, &rq); i++) {
        enum dir_file file = rq.kind == DIR_WANT_CERTS ? DIR_FILE_CERTS : DIR_FILE_CONSENSUS;
        if (rq.kind == DIR_WANT_MICRODESCS)
            break;
        dirmgr_reply(w->d, rq.id, 200, buf_text(&k->files[file]), 0);
        settle(w);
    }
    ck_assert_ptr_nonnull(dirmgr_newest(w->d));
}

START_TEST(test_files_of_microdescriptors_may_end_anywhere)
{
    struct kept k = keep();
    static const enum dir_file both[] = {DIR_FILE_MICRODESCS, DIR_FILE_MICRODESCS_NEW};
    for (size_t f = 0; f < 2; f++) {
        const struct buf *file = &k.files[both[f]];
        size_t elsewhere = FEW - whole_entries(file, file->len);
        for (size_t len = 0; len < file->len; len++) {
            put_back(&k);
            restart(k.w, both[f], len, WHOLE);
            check_others(k.w, both[f]);
            ck_assert_msg(known(k.w) == elsewhere + whole_entries(file, len),
                          "%zu of %s: %zu known", len, dir_file_name(both[f]), known(k.w));
        }
    }
    let_go(&k);
}
END_TEST

/* One byte costs the entry that it is in, or two where it is between them. */
START_TEST(test_files_of_microdescriptors_may_be_changed_anywhere)
{
    struct kept k = keep();
    static const enum dir_file both[] = {DIR_FILE_MICRODESCS, DIR_FILE_MICRODESCS_NEW};
    for (size_t f = 0; f < 2; f++)
        for (size_t at = 0; at < k.files[both[f]].len; at++) {
            put_back(&k);
            restart(k.w, both[f], WHOLE, at);
            check_others(k.w, both[f]);
            ck_assert_msg(known(k.w) >= FEW - 2, "%zu of %s: %zu known", at, dir_file_name(both[f]),
                          known(k.w));
        }
    let_go(&k);
}
END_TEST

/* Microdescriptors are used as soon as a consensus is here again that lists them. */
static void check_consensus(struct kept *k, size_t len, size_t at)
{
    put_back(k);
    restart(k->w, DIR_FILE_CONSENSUS, len, at);
    check_others(k->w, DIR_FILE_CONSENSUS);
    ck_assert(!k->w->aside[DIR_FILE_CONSENSUS] || !dirmgr_newest(k->w->d));
    complete(k);
    ck_assert_msg(known(k->w) == FEW, "cut at %zu, changed at %zu: %zu known", len, at,
                  known(k->w));
}

START_TEST(test_files_of_a_consensus_may_end_or_be_changed_anywhere)
{
    struct kept k = keep();
    for (size_t i = 0; i < k.files[DIR_FILE_CONSENSUS].len; i++) {
        check_consensus(&k, i, WHOLE);
        if (i % CHANGE_EVERY == 0)
            check_consensus(&k, WHOLE, i);
    }
    let_go(&k);
}
END_TEST

static void check_certs(struct kept *k, size_t len, size_t at)
{
    put_back(k);
    restart(k->w, DIR_FILE_CERTS, len, at);
    check_others(k->w, DIR_FILE_CERTS);
    complete(k);
    ck_assert_msg(known(k->w) == FEW, "cut at %zu, changed at %zu: %zu known", len, at,
                  known(k->w));
}

START_TEST(test_files_of_certificates_may_end_or_be_changed_anywhere)
{
    struct kept k = keep();
    for (size_t i = 0; i < k.files[DIR_FILE_CERTS].len; i++) {
        check_certs(&k, i, WHOLE);
        if (i % CHANGE_EVERY == 0)
            check_certs(&k, WHOLE, i);
    }
    let_go(&k);
}
END_TEST

START_TEST(test_files_of_another_network_are_not_damaged)
{
    struct kept k = keep(), other = keep();
    for (int f = 0; f < FILES; f++) {
        k.w->files[f].len = 0;
        ck_ok(buf_add(&k.w->files[f], buf_at(&other.files[f]), other.files[f].len));
    }
    k.w->env->log->least = LOG_NOTICE;
    restart(k.w, DIR_FILE_CONSENSUS, WHOLE, WHOLE);
    check_others(k.w, DIR_FILE_N);
    ck_assert_ptr_nonnull(strstr(k.w->log, "is of another network"));
    ck_assert_ptr_null(strstr(k.w->log, "damaged"));
    complete(&k);
    let_go(&other);
    let_go(&k);
}
END_TEST

/* What could not be merged stays in the journal. */
START_TEST(test_files_are_kept_while_the_disk_is_full)
{
    struct kept k = keep();
    k.w->disk_full = true;
    restart(k.w, DIR_FILE_MICRODESCS_NEW, k.files[DIR_FILE_MICRODESCS_NEW].len - 1, WHOLE);
    size_t left = known(k.w);
    ck_assert_uint_eq(left, FEW - 1);
    ck_assert_uint_eq(k.w->files[DIR_FILE_MICRODESCS].len, k.files[DIR_FILE_MICRODESCS].len);
    ck_assert_uint_eq(k.w->files[DIR_FILE_MICRODESCS_NEW].len,
                      k.files[DIR_FILE_MICRODESCS_NEW].len - 1);
    k.w->disk_full = false;
    restart(k.w, DIR_FILE_MICRODESCS_NEW, WHOLE, WHOLE);
    ck_assert_uint_eq(known(k.w), left);
    let_go(&k);
}
END_TEST

TESTS("dir/dirmgr_files", test_files_of_microdescriptors_may_end_anywhere,
      test_files_of_microdescriptors_may_be_changed_anywhere,
      test_files_of_a_consensus_may_end_or_be_changed_anywhere,
      test_files_of_certificates_may_end_or_be_changed_anywhere,
      test_files_of_another_network_are_not_damaged, test_files_are_kept_while_the_disk_is_full)
