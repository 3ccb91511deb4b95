#include "app/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/sandbox_calls.h"
#include "support/test.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- in a process of its own ---- */

static char said[4096]; /* what that one wrote to standard error */

static int in_sandbox(void (*fn)(void))
{
    int fds[2], status;
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct conf_err e;
        dup2(fds[1], STDERR_FILENO);
        if (sandbox_enter(NULL, &e) != OK)
            _exit(99);
        fn();
        _exit(0);
    }
    close(fds[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(fds[0], said + len, sizeof said - 1 - len)) > 0;)
        len += (size_t)n;
    said[len] = 0;
    close(fds[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* What a filter does is not to be seen in a build that has none (test_sandbox_under_a_sanitizer).
 */
static bool has_none(void)
{
    if (SANITIZED)
        fputs("app/sandbox: skipped, under a sanitizer there is no filter\n", stderr);
    return SANITIZED;
}

/* ---- what is refused ---- */

static void run_a_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
}
static void make_a_process(void)
{
    (void)!fork();
}
static void trace(void)
{
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static void read_another(void)
{
    (void)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}
static void map_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static void udp(void)
{
    (void)!socket(AF_INET, SOCK_DGRAM, 0);
}
static void udp6(void)
{
    (void)!socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}
static void raw(void)
{
    (void)!socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static void routes(void)
{
    (void)!socket(AF_NETLINK, SOCK_RAW, 0);
}
static void packets(void)
{
    (void)!socket(AF_PACKET, SOCK_RAW, 0);
}
static void end_another(void)
{
    (void)kill(getpid(), SIGTERM);
}
static void type_into_the_terminal(void)
{
    (void)ioctl(0, TIOCSTI, "x");
}
static void a_name_only(void)
{
    (void)!open("/", O_PATH);
}
static void more_of_everything(void)
{
    struct rlimit lim = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &lim);
}
static void another_user(void)
{
    (void)!setuid(0);
}
static void dumpable(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1);
}
static void by_ring(void)
{
    (void)syscall(SYS_io_uring_setup, 1, NULL);
}
static void another_folder(void)
{
    (void)!chdir("/");
}
static void unknown(void)
{
    (void)syscall(5000);
}

static const struct {
    const char *call; /* as it is named */
    void (*make)(void);
} refused[] = {
    {"execve", run_a_program},
    {"clone", make_a_process},
    {"ptrace", trace},
    {"getppid", read_another},
    {"mmap", map_code},
    {"mprotect", make_code},
    {"socket", udp},
    {"socket", udp6},
    {"socket", raw},
    {"socket", routes},
    {"socket", packets},
    {"kill", end_another},
    {"ioctl", type_into_the_terminal},
    {"openat", a_name_only},
    {"prlimit64", more_of_everything},
    {"setuid", another_user},
    {"prctl", dumpable},
    {"io_uring_setup", by_ring},
    {"chdir", another_folder},
    {"unknown, number 5000", unknown},
};

START_TEST(test_sandbox_names_what_it_refuses_and_ends)
{
    if (has_none())
        return;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char want[64];
        snprintf(want, sizeof want, "(syscall %s", refused[i].call);
        ck_assert_int_eq(in_sandbox(refused[i].make), 1);
        ck_assert_msg(strstr(said, want) != NULL, "%s: \"%s\"", want, said);
    }
}
END_TEST

/* ---- what is allowed ---- */

static void need(bool true_)
{
    if (!true_)
        _exit(2);
}

static void live(void)
{
    char name[] = "/tmp/tunic-sandbox-XXXXXX", folder[4096];
    int fd = mkstemp(name);
    need(fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 && close(fd) == 0);
    need(rename(name, name) == 0 && linkat(AT_FDCWD, name, AT_FDCWD, name, 0) != 0 &&
         unlink(name) == 0);
    need(access(name, R_OK) != 0 && getcwd(folder, sizeof folder));
    need((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0 && listen(fd, 1) == 0);
    need(socket(AF_INET6, SOCK_STREAM, 0) >= 0 || errno == EAFNOSUPPORT);
    need(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) >= 0);
    need(kill(getpid(), 0) == 0);
    free(malloc(1 << 24));
    need(raise(SIGUSR1) == 0);
}

static void note(int signum)
{
    (void)signum;
}

static void live_with_signals(void)
{
    need(signal(SIGUSR1, note) != SIG_ERR);
    live();
}

START_TEST(test_sandbox_lets_a_client_live)
{
    ck_assert_msg(in_sandbox(live_with_signals) == 0, "%s", said);
}
END_TEST

static void use_all_memory(void)
{
    void **last = NULL, **one;
    for (size_t n = 0; n < 100000 && (one = malloc(60000)); n++) {
        *one = last;
        last = one;
    }
    for (; last; last = one) {
        one = *last;
        free(last);
    }
}

START_TEST(test_sandbox_lets_memory_run_out)
{
    struct rlimit old, few;
    if (has_none())
        return;
    ck_assert_int_eq(getrlimit(RLIMIT_DATA, &old), 0);
    few = old;
    few.rlim_cur = 64 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &few), 0);
    ck_assert_msg(in_sandbox(use_all_memory) == 0, "%s", said);
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &old), 0);
}
END_TEST

static void break_an_invariant(void)
{
    abort();
}

START_TEST(test_sandbox_lets_an_abort_be_one)
{
    ck_assert_msg(in_sandbox(break_an_invariant) == 1000 + SIGABRT, "%s", said);
}
END_TEST

START_TEST(test_sandbox_under_a_sanitizer)
{
    if (SANITIZED)
        ck_assert_int_eq(in_sandbox(udp), 0);
}
END_TEST

/* ---- where a refused call is named ---- */

static int log_fd;

static void udp_with_a_log(void)
{
    sandbox_log_to(&log_fd, 1);
    udp();
}

START_TEST(test_sandbox_names_it_in_the_log)
{
    char text[256] = "", name[] = "/tmp/tunic-sandbox-XXXXXX";
    if (has_none())
        return;
    log_fd = mkstemp(name);
    ck_assert_int_eq(in_sandbox(udp_with_a_log), 1);
    ck_assert_int_gt(pread(log_fd, text, sizeof text - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(text, "Caught a bad syscall attempt (syscall socket, number "));
    ck_assert_str_eq(text, said);
    close(log_fd);
    unlink(name);
}
END_TEST

/* ---- another architecture ---- */

START_TEST(test_sandbox_has_rules_for_arm64)
{
    static const char *const needed[] = {"epoll_pwait", "ppoll",    "openat", "newfstatat",
                                         "renameat",    "unlinkat", "dup3",   "fchmodat"};
    char line[256], *pfc = NULL;
    size_t size = 0, found = 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    ck_assert_int_eq(seccomp_arch_add(filter, SCMP_ARCH_AARCH64), 0);
    ck_assert_int_eq(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), 0);
    ck_ok(sandbox_add_rules(filter));
    FILE *f = tmpfile(), *text = open_memstream(&pfc, &size);
    ck_assert_int_eq(seccomp_export_pfc(filter, fileno(f)), 0);
    rewind(f);
    while (fgets(line, sizeof line, f))
        fputs(line, text);
    fclose(text);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        snprintf(line, sizeof line, "syscall \"%s\"", needed[i]);
        found += strstr(pfc, line) != NULL;
    }
    ck_assert_uint_eq(found, sizeof needed / sizeof needed[0]);
    ck_assert_ptr_null(strstr(pfc, "execve"));
    free(pfc);
    fclose(f);
    seccomp_release(filter);
}
END_TEST

TESTS("app/sandbox", test_sandbox_names_what_it_refuses_and_ends, test_sandbox_lets_a_client_live,
      test_sandbox_lets_memory_run_out, test_sandbox_lets_an_abort_be_one,
      test_sandbox_under_a_sanitizer, test_sandbox_names_it_in_the_log,
      test_sandbox_has_rules_for_arm64)
