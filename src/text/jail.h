/* jail.h - what a program that handles a stranger's file cannot do, even when the file
 * has taken it over.
 *
 * On Linux, in the child between fork() and execve(), for the child and all it starts:
 *
 *   - files (Landlock, Linux 5.13): programs, libraries, fonts and their settings may be
 *     read, and nothing else; nothing may be written, made, renamed, cut or removed, but
 *     for writing to /dev/null;
 *   - network: no sockets of any kind (seccomp), and no TCP (Landlock, Linux 6.7);
 *   - other processes: no signals (Landlock, Linux 6.12), no tracing, no looking into
 *     their memory, no setting of their limits, no shared memory or queues, no leaving of
 *     its group (seccomp); none of its own either, unless that is asked for, since each
 *     would have the limits of child.h anew (threads are allowed);
 *   - the kernel's wider doors: no io_uring, no bpf, no keys, no mounts, no namespaces
 *     (seccomp).
 *
 * What is forbidden fails with EPERM or EACCES, and a harmless program goes on without;
 * only calls of another interface of the processor (x32) end it.
 * A kernel that lacks one of these gives the others; other systems give none. Then the
 * limits of child.h are what is left. */
#ifndef LW_TEXT_JAIL_H
#define LW_TEXT_JAIL_H

enum jail_processes {
    JAIL_ALONE, /* it cannot start any */
    JAIL_STARTS_OTHERS
};

/* program: what will be executed; it may be read wherever it is. Calls nothing but the
 * kernel. */
void jail_enter(const char *program, enum jail_processes processes);

#endif
