/* jail.c - Landlock for files, seccomp for the rest, by system calls alone.
 *
 * Between fork() and execve() of a process with threads no library may be called that
 * allocates, so the filter is a table here and not libseccomp's. It names what is
 * forbidden: a list of what is allowed would have to follow every version of the C
 * library and of whatever the program links. What such a list is safest against, new
 * ways to files and to the network, Landlock and the refusal of io_uring close. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* O_PATH */
#endif

#include "text/jail.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#define HAS_LANDLOCK 1
#endif

#ifdef HAS_LANDLOCK

/* --- Files ---------------------------------------------------------------- */

/* The kernel's own numbers: the header may be older than the kernel. */
enum {
    RIGHT_EXECUTE = 1 << 0,
    RIGHT_WRITE_FILE = 1 << 1,
    RIGHT_READ_FILE = 1 << 2,
    RIGHT_READ_DIR = 1 << 3,
    RIGHTS_1 = (1 << 13) - 1, /* all that Linux 5.13 knows */
    RIGHT_REFER = 1 << 13,    /* 5.19 */
    RIGHT_TRUNCATE = 1 << 14, /* 6.2 */
    RIGHT_IOCTL_DEV = 1 << 15 /* 6.10 */
};
enum { NET_TCP = 3 /* bind, connect */, SCOPES = 3 /* abstract sockets, signals */ };

struct ruleset {
    uint64_t files, net, scopes;
};

struct place {
    const char *path;
    uint64_t rights;
};

enum { READS = RIGHT_READ_FILE | RIGHT_READ_DIR, RUNS = READS | RIGHT_EXECUTE };

/* Of what every user of the machine may read. */
static const struct place places[] = {
    { "/usr", RUNS },
    { "/bin", RUNS },
    { "/lib", RUNS },
    { "/lib32", RUNS },
    { "/lib64", RUNS },
    { "/nix/store", RUNS },
    { "/gnu/store", RUNS },
    { "/run/current-system", RUNS },
    { "/home/linuxbrew/.linuxbrew", RUNS },
    { "/etc/ld.so.cache", RIGHT_READ_FILE },
    { "/etc/ld.so.preload", RIGHT_READ_FILE },
    { "/etc/ld-musl-x86_64.path", RIGHT_READ_FILE },
    { "/etc/ld-musl-aarch64.path", RIGHT_READ_FILE },
    { "/etc/ld-musl-riscv64.path", RIGHT_READ_FILE },
    { "/etc/localtime", RIGHT_READ_FILE },
    { "/etc/locale.alias", RIGHT_READ_FILE },
    { "/etc/papersize", RIGHT_READ_FILE },
    { "/etc/fonts", READS },
    { "/var/cache/fontconfig", READS },
    { "/dev/null", RIGHT_READ_FILE | RIGHT_WRITE_FILE },
    { "/dev/zero", RIGHT_READ_FILE },
    { "/dev/urandom", RIGHT_READ_FILE },
};

static void allow(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = rights,
                                               .parent_fd =
                                                   open(path, O_PATH | O_CLOEXEC) };
    if (rule.parent_fd < 0) return; /* not on this machine */
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
    close(rule.parent_fd);
}

static void close_files(const char *program)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
                           LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) return;
    struct ruleset all = { .files = RIGHTS_1 };
    if (version >= 2) all.files |= RIGHT_REFER;
    if (version >= 3) all.files |= RIGHT_TRUNCATE;
    if (version >= 5) all.files |= RIGHT_IOCTL_DEV;
    if (version >= 4) all.net = NET_TCP;
    if (version >= 6) all.scopes = SCOPES;
    size_t bytes = version >= 6   ? sizeof all
                   : version >= 4 ? offsetof(struct ruleset, scopes)
                                  : offsetof(struct ruleset, net);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, bytes, 0U);
    if (ruleset < 0) return;
    allow(ruleset, program, RIGHT_EXECUTE | RIGHT_READ_FILE);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        allow(ruleset, places[i].path, places[i].rights);
    }
    syscall(SYS_landlock_restrict_self, ruleset, 0U);
    close(ruleset);
}

#else

static void close_files(const char *program)
{
    (void)program;
}

#endif

/* --- Everything else -------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef ARCHITECTURE

enum {
    NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP
};

#define FIELD(name) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, name))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define UNLESS_EQUAL(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
#define NO(call) UNLESS_EQUAL((uint32_t)(call), 1), REFUSE
/* The end of a filter: what becomes of clone() with any of these flags, and without.
 * Everything else is allowed. */
enum { REFUSED = 0, ALLOWED = 1 }; /* how far behind the jump that stands */
#define CLONE_THEN_ALLOW(flags, with, without)                                    \
    UNLESS_EQUAL((uint32_t)SYS_clone, 4), FIELD(args[0]),                         \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (flags), (with), (without)), REFUSE, \
        RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ALLOW)

/* The compiler's byte order is the kernel's: the low half of an argument. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the low half of an argument is elsewhere"
#endif

static const struct sock_filter filter[] = {
    FIELD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    FIELD(nr),
#ifdef __x86_64__ /* the calls of the x32 interface have numbers of their own */
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
    RETURN(SECCOMP_RET_KILL_PROCESS),
#endif
    /* The network, and what is as good as a network. */
    NO(SYS_socket),
    NO(SYS_socketpair),
    NO(SYS_io_uring_setup),
    NO(SYS_shmget),
    NO(SYS_shmat),
    NO(SYS_msgget),
    NO(SYS_semget),
    NO(SYS_mq_open),
    /* Other processes. */
    NO(SYS_ptrace),
    NO(SYS_process_vm_readv),
    NO(SYS_process_vm_writev),
    NO(SYS_pidfd_open),
    NO(SYS_pidfd_getfd),
    NO(SYS_pidfd_send_signal),
    NO(SYS_kcmp),
    NO(SYS_setsid), /* it is killed by its group */
    NO(SYS_setpgid),
    UNLESS_EQUAL((uint32_t)SYS_prlimit64, 4), /* its own limits only */
    FIELD(args[0]),
    UNLESS_EQUAL(0, 1),
    RETURN(SECCOMP_RET_ALLOW),
    REFUSE,
    /* The kernel. */
    NO(SYS_bpf),
    NO(SYS_perf_event_open),
    NO(SYS_userfaultfd),
    NO(SYS_keyctl),
    NO(SYS_add_key),
    NO(SYS_request_key),
    NO(SYS_mount),
    NO(SYS_umount2),
    NO(SYS_fsopen),
    NO(SYS_fsmount),
    NO(SYS_open_tree),
    NO(SYS_move_mount),
    NO(SYS_mount_setattr),
    NO(SYS_pivot_root),
    NO(SYS_chroot),
    NO(SYS_unshare),
    NO(SYS_setns),
    NO(SYS_open_by_handle_at),
    NO(SYS_init_module),
    NO(SYS_finit_module),
    NO(SYS_delete_module),
    NO(SYS_kexec_load),
    NO(SYS_kexec_file_load),
    NO(SYS_reboot),
    /* Its flags are behind a pointer: the C library then takes clone(). */
    UNLESS_EQUAL((uint32_t)SYS_clone3, 1),
    RETURN(SECCOMP_RET_ERRNO | ENOSYS),
    CLONE_THEN_ALLOW(NAMESPACES, REFUSED, ALLOWED),
};

/* Beside the other: the kernel asks both, and the stricter answer counts. Threads are
 * no processes: they share the limits of the one they are in. */
static const struct sock_filter filter_alone[] = {
    FIELD(nr),
#ifdef SYS_fork
    NO(SYS_fork),
    NO(SYS_vfork),
#endif
    CLONE_THEN_ALLOW(CLONE_THREAD, ALLOWED, REFUSED),
};

static void add_filter(const struct sock_filter *calls, size_t n)
{
    struct sock_fprog program = { .len = (unsigned short)n,
                                  .filter = (struct sock_filter *)(uintptr_t)calls };
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static void close_calls(enum jail_processes processes)
{
    add_filter(filter, sizeof filter / sizeof *filter);
    if (processes == JAIL_ALONE) {
        add_filter(filter_alone, sizeof filter_alone / sizeof *filter_alone);
    }
}

#else

static void close_calls(enum jail_processes processes)
{
    (void)processes;
}

#endif

void jail_enter(const char *program, enum jail_processes processes)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return;
    close_files(program);
    close_calls(processes);
}

#else

void jail_enter(const char *program, enum jail_processes processes)
{
    (void)program;
    (void)processes;
}

#endif
