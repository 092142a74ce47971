// SPDX-License-Identifier: Apache-2.0
//
// Tasks that try not to be their container's when they execute. What they execute is in no policy.
#include "trick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEPTH = 12, DYING = 4 };

static void become(const char *program) {
  execl(program, program, "nothing", (char *)NULL);
  perror(program);
  _exit(1);
}

static void own_namespaces(void) {
  copy_to("/bin/in-namespaces");
  own_mounts();
  must(unshare(CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS) == 0, "unshare");
  run("/bin/in-namespaces");
}

static void orphan(void) {
  copy_to("/bin/orphan");
  int ends[2];
  char byte;
  must(pipe(ends) == 0, "pipe");
  pid_t parent = fork();
  if (parent == 0) {
    if (fork() == 0) {
      setsid();
      while (getppid() != 1) sched_yield();
      become("/bin/orphan");
    }
    _exit(0);
  }
  wait_for(parent);
  close(ends[1]);
  // The orphan holds the other end until it has ended.
  must(read(ends[0], &byte, 1) == 0, "read");
}

static void *exec_in_thread(void *leader) {
  char path[64], stat[256];
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)(intptr_t)leader);
  // Z: the leader is a zombie.
  do {
    int fd = open_or_die(path, O_RDONLY);
    ssize_t length = read(fd, stat, sizeof stat - 1);
    stat[length > 0 ? length : 0] = 0;
    close(fd);
  } while (strstr(stat, ") Z") == NULL);
  become("/bin/zombie-leader");
  return NULL;
}

static void zombie_leader(void) {
  copy_to("/bin/zombie-leader");
  pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, exec_in_thread, (void *)(intptr_t)getpid()) == 0, "thread");
    syscall(SYS_exit, 0);
  }
  wait_for(child);
}

static void lent_memory(void) {
  copy_to("/bin/lent-memory");
  pid_t child = vfork();
  if (child == 0) {
    execl("/bin/lent-memory", "lent-memory", "nothing", (char *)NULL);
    _exit(1);
  }
  wait_for(child);
}

// The container's first process ends, and takes with it whoever still executes.
static void dying_init(void) {
  int ends[2];
  char byte;
  copy_to("/bin/dying");
  must(pipe2(ends, O_CLOEXEC) == 0, "pipe");
  for (int i = 0; i < DYING; i++) {
    if (fork() != 0) continue;
    run("/bin/dying");
    must(write(ends[1], "", 1) == 1, "write");
    for (;;) run("/bin/dying");
  }
  for (int i = 0; i < DYING; i++) must(read(ends[0], &byte, 1) == 1, "read");
}

// The root of its cgroup namespace belongs to root, which the container is.
static void nested_cgroups(void) {
  copy_to("/bin/nested");
  own_mounts();
  must(unshare(CLONE_NEWCGROUP) == 0, "unshare");
  must(mount("cgroup2", "/mnt", "cgroup2", 0, NULL) == 0 && chdir("/mnt") == 0, "mount cgroup2");
  for (int i = 0; i < DEPTH; i++) {
    make_folder("deeper");
    must(chdir("deeper") == 0, "chdir");
  }
  pid_t child = fork();
  if (child == 0) {
    write_file("cgroup.procs", "0");
    become("/bin/nested");
  }
  wait_for(child);
}

// A cgroup next to the container's: the whole tree is in sight of a container with the host's cgroup namespace.
static void into_cgroup(const char *folder) {
  struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD,
                                 .cgroup = (unsigned)open_or_die(folder, O_PATH | O_DIRECTORY)};
  pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) become("/bin/other");
  wait_for(child);
}

static void neighbours_cgroup(void) { into_cgroup("/sys/fs/cgroup/lab/cgroup-victim"); }
static void hosts_cgroup(void) { into_cgroup("/sys/fs/cgroup/service"); }

// A neighbour's root folder, received over the shared volume: the path is what it would be there.
static void borrowed_root(void) {
  int asker = socket(AF_UNIX, SOCK_STREAM, 0), root, program;
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = ROOT_SOCKET};
  must(connect(asker, (struct sockaddr *)&address, sizeof address) == 0, ROOT_SOCKET);
  char control[CMSG_SPACE(sizeof root)], byte;
  struct iovec text = {&byte, 1};
  struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  must(recvmsg(asker, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL, "recvmsg");
  memcpy(&root, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof root);
  program = openat(root, "bin/borrowed", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  must(program >= 0, "bin/borrowed");
  copy(program);
  close(program);
  pid_t child = fork();
  if (child == 0) {
    must(fchdir(root) == 0, "fchdir");
    become("bin/borrowed");
  }
  wait_for(child);
}

static void other_user(void) {
  copy_to("/bin/other-user");
  must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
  run("/bin/other-user");
}

const struct trick task_tricks[] = {
    {"borrowed-root", borrowed_root},
    {"other-user", other_user},
    {"own-namespaces", own_namespaces},
    {"orphan", orphan},
    {"zombie-leader", zombie_leader},
    {"lent-memory", lent_memory},
    {"dying-init", dying_init},
    {"nested-cgroups", nested_cgroups},
    {"neighbours-cgroup", neighbours_cgroup},
    {"hosts-cgroup", hosts_cgroup},
    {NULL, NULL},
};
