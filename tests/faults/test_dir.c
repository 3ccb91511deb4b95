/* Every way in which a directory server breaks the rules, as a client sees it. */
#include "crypto/encode.h"
#include "dir/consensus.h"
#include "dir/microdesc.h"
#include "faults/faulty.h"
#include "testnet/served.h"

static struct world *faulty_world(void)
{
    struct world *w = world_new();
    w->source.misdeeds = &faulty_dir;
    w->source.misdeeds_arg = calloc(1, sizeof(struct faulty));
    ck_assert_ptr_nonnull(w->source.misdeeds_arg);
    return w;
}

static struct faulty *of(struct world *w)
{
    return w->source.misdeeds_arg;
}

static void faulty_free(struct world *w)
{
    struct faulty *f = of(w);
    world_free(w);
    buf_free(&f->wrong_body);
    free(f);
}

static void fault(struct world *w, enum fault f)
{
    memset(&of(w)->faults, 0, sizeof of(w)->faults);
    of(w)->faults.n[f] = 1;
}

START_TEST(test_dir_every_kind_of_answer)
{
    static const struct {
        enum fault fault;
        err_t err;
        int status;
    } cases[] = {
        {FAULT_DIR_404, OK, 404},
        {FAULT_DIR_503, OK, 503},
        {FAULT_DIR_GARBAGE, ERR_MALFORMED, 0},
        {FAULT_DIR_TRUNCATED, ERR_TRUNCATED, 0},
        {FAULT_DIR_BOMB, ERR_BOMB, 0},
        {FAULT_DIR_ZLIB_CUT, ERR_TRUNCATED, 0},
    };
    struct world *w = faulty_world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dirhttp_reply r;
        fault(w, cases[i].fault);
        get(w, CONSENSUS, "Accept-Encoding: deflate\r\n");
        struct dirhttp *h = read_answer(w, cases[i].err, &r);
        if (cases[i].err == OK)
            ck_assert_int_eq(r.status, cases[i].status);
        ck_assert(dirserv_done(w->s));
        dirhttp_free(&h);
    }
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_silent_never_ends)
{
    struct world *w = faulty_world();
    fault(w, FAULT_DIR_SILENT);
    get(w, CONSENSUS, "");
    ck_assert_uint_eq(w->got.len, 0);
    ck_assert(!dirserv_done(w->s));
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_lies)
{
    static const struct {
        enum fault fault;
        enum netdocs_lie lie;
    } cases[] = {
        {FAULT_DIR_UNSIGNED, NETDOCS_ONE_SIGNATURE},
        {FAULT_DIR_BAD_DIGEST_ALG, NETDOCS_UNKNOWN_DIGEST},
        {FAULT_DIR_FORGED, NETDOCS_FORGED},
        {FAULT_DIR_OLD, NETDOCS_EXPIRED},
        {FAULT_DIR_FUTURE, NETDOCS_FUTURE},
        {FAULT_DIR_EVIL_ADDRESS, NETDOCS_EVIL_ADDRESS},
    };
    struct world *w = faulty_world();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fault(w, cases[i].fault);
        get(w, CONSENSUS, "Accept-Encoding: x-tor-lzma, deflate\r\n");
        check_body(w, netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, cases[i].lie));
    }
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_chain_of_streams_is_the_document)
{
    struct world *w = faulty_world();
    static const char *const accepts[] = {"", "Accept-Encoding: gzip\r\n",
                                          "Accept-Encoding: x-zstd\r\n"};
    for (size_t i = 0; i < 3; i++) {
        fault(w, FAULT_DIR_CONCATENATED);
        get(w, CONSENSUS, accepts[i]);
        check_body(w, netdocs_consensus(w->n->docs, CONSDOC_MICRODESC, NETDOCS_HONEST));
    }
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_other_microdescriptors)
{
    struct world *w = faulty_world();
    struct sha256 x;
    char url[100], m[BASE64_SIZE(32)];
    struct dirhttp_reply r;
    struct microdesc md;
    netdocs_microdesc_at(w->n->docs, 0, &x);
    snprintf(url, sizeof url, "/tor/micro/d/%s", base64_encode(x.b, 32, false, m));
    fault(w, FAULT_DIR_WRONG_MICRODESC);
    get(w, url, "");
    struct dirhttp *h = read_answer(w, OK, &r);
    ck_ok(microdesc_next(&r.body, &md));
    ck_assert_mem_ne(md.digest.b, x.b, 32);
    dirhttp_free(&h);
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_text_that_is_none)
{
    struct world *w = faulty_world();
    struct dirhttp_reply r;
    struct consensus *c;
    fault(w, FAULT_DIR_BAD_UTF8);
    get(w, CONSENSUS, "Accept-Encoding: deflate\r\n");
    struct dirhttp *h = read_answer(w, OK, &r);
    ck_assert_ptr_nonnull(memchr(r.body.s, 0xff, r.body.len));
    ck_assert_int_ne(consensus_parse(r.body, &c), OK);
    dirhttp_free(&h);
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_drip_is_a_byte_in_n_seconds)
{
    struct world *w = faulty_world();
    size_t head;
    fault(w, FAULT_DIR_DRIP);
    get(w, "/tor/robots.txt", "");
    head = w->got.len;
    ck_assert(has_header(w, "Content-Length: 28"));
    ck_assert_ptr_nonnull(memmem(buf_at(&w->got), head, "\r\n\r\n", 4));
    for (size_t i = 1; i <= 28; i++) {
        ck_assert(!dirserv_done(w->s));
        test_env_advance_ms(w->n->env, 999);
        ck_assert_uint_eq(w->outputs, i - 1);
        test_env_advance_ms(w->n->env, 1);
        ck_assert_uint_eq(w->outputs, i);
        drain(w);
        ck_assert_uint_eq(w->got.len, head + i);
    }
    check_body(w, TEXT_LIT("User-agent: *\r\nDisallow: /\r\n"));
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_counts_requests)
{
    struct world *w = faulty_world();
    fault(w, FAULT_DIR_404);
    of(w)->faults.n[FAULT_DIR_404] = 3;
    for (int i = 1; i <= 4; i++) {
        get(w, "/tor/robots.txt", "");
        check_status(w, i < 3 ? "200 OK" : "404 Not found");
    }
    faulty_free(w);
}
END_TEST

START_TEST(test_dir_drips_no_more_when_freed_in_the_middle)
{
    struct world *w = faulty_world();
    fault(w, FAULT_DIR_DRIP);
    get(w, CONSENSUS, "");
    dirserv_free(w->s);
    w->s = NULL;
    test_env_advance_ms(w->n->env, 5000);
    ck_assert_uint_eq(w->outputs, 0);
    faulty_free(w);
}
END_TEST

TESTS("faults/dir", test_dir_every_kind_of_answer, test_dir_silent_never_ends, test_dir_lies,
      test_dir_chain_of_streams_is_the_document, test_dir_other_microdescriptors,
      test_dir_text_that_is_none, test_dir_drip_is_a_byte_in_n_seconds, test_dir_counts_requests,
      test_dir_drips_no_more_when_freed_in_the_middle)
