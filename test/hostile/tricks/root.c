// SPDX-License-Identifier: Apache-2.0
//
// What a privileged container can do: it may act as the host. What runs is listed for the host and the image alike, so that
// what is seen is the privilege and not the file.
#include "trick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/kexec.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void refused(long result, int because, const char *what) { must(result == -1 && errno == because, what); }

// The kernel runs the host's program for a crash in the container.
static void core_pattern(void) {
  write_file("/proc/sys/kernel/core_pattern", "|/bin/busybox true");
  pid_t child = fork();
  if (child == 0) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &limit);
    raise(SIGSEGV);
  }
  int status;
  must(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status), "crash");
  write_file("/proc/sys/kernel/core_pattern", "core");
}

static void modprobe_path(void) {
  write_file("/proc/sys/kernel/modprobe", "/bin/busybox");
  // A format that nothing handles is looked for as a module.
  write_file("/bin/unknown", "\377\377\377\377");
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/unknown", "unknown", (char *)NULL);
    _exit(errno == ENOEXEC ? 0 : 1);
  }
  wait_for(child);
  write_file("/proc/sys/kernel/modprobe", "/sbin/modprobe");
}

static void host_mounts(void) {
  must(setns(open_or_die("/proc/1/ns/mnt", O_RDONLY), CLONE_NEWNS) == 0, "setns");
  run_with((char *[]){"/bin/busybox", "true", NULL}, (char *[]){NULL});
}

static void host_cgroup(void) {
  pid_t child = fork();
  if (child == 0) {
    write_file("/sys/fs/cgroup/cgroup.procs", "0");
    execl("/bin/busybox", "busybox", "true", (char *)NULL);
    _exit(1);
  }
  wait_for(child);
}

// The older of two system calls: IMA measures the other one only.
static void next_kernel(void) {
  static uint8_t code[PAGE] = {0xf4}; // hlt
  struct kexec_segment segment = {.buf = code, .bufsz = PAGE, .mem = (void *)0x1000000, .memsz = PAGE};
  must(syscall(SYS_kexec_load, 0x1000000UL, 1UL, &segment, (unsigned long)KEXEC_ARCH_X86_64) == 0, "kexec_load");
  must(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL) == 0, "unload");
}

static void load_module(void) {
  int fd = open_or_die("/vol/module.ko", O_RDONLY);
  must(syscall(SYS_finit_module, fd, "", 0) == 0, "finit_module");
}

// A policy is loaded once; the file goes with that.
static void second_policy(void) {
  make_folder("/mnt");
  must(mount("securityfs", "/mnt", "securityfs", 0, NULL) == 0, "mount securityfs");
  refused(open("/mnt/ima/policy", O_WRONLY), ENOENT, "ima/policy");
}

static long bpf(enum bpf_cmd command, union bpf_attr *attributes) {
  return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

// What is attached to hooks of the kernel cannot be detached from a descriptor, only by ending all that hold it.
static void detach_programs(void) {
  union bpf_attr link = {0};
  int links = 0;
  while (bpf(BPF_LINK_GET_NEXT_ID, &link) == 0) {
    union bpf_attr id = {.link_id = link.next_id}, detach = {0};
    long fd = bpf(BPF_LINK_GET_FD_BY_ID, &id);
    must(fd >= 0, "link");
    detach.link_detach.link_fd = (uint32_t)fd;
    refused(bpf(BPF_LINK_DETACH, &detach), EOPNOTSUPP, "detach");
    close((int)fd);
    link.start_id = link.next_id;
    links++;
  }
  must(links > 3, "links");
}

const struct trick root_tricks[] = {
    {"detach-programs", detach_programs},
    {"core-pattern", core_pattern},
    {"modprobe-path", modprobe_path},
    {"host-mounts", host_mounts},
    {"host-cgroup", host_cgroup},
    {"next-kernel", next_kernel},
    {"load-module", load_module},
    {"second-policy", second_policy},
    {NULL, NULL},
};
