// SPDX-License-Identifier: Apache-2.0
//
// Code that gets into memory, or changes there, without being executed as a file.
#include "trick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void protect(void) {
  void *memory = map(open_or_die("/bin/protected", O_RDONLY), PROT_READ);
  must(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
}

static void protect_with_key(void) {
  void *memory = map(open_or_die("/bin/protected", O_RDONLY), PROT_READ);
  must(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_EXEC, -1) == 0, "pkey_mprotect");
}

// Old programs expect that what can be read can be executed.
static void read_implies_exec(void) {
  copy_to("/bin/implied");
  must(personality(READ_IMPLIES_EXEC) != -1, "personality");
  map(open_or_die("/bin/implied", O_RDONLY), PROT_READ);
}

static void unlinked_library(void) {
  copy_to("/bin/unlinked");
  int fd = open_or_die("/bin/unlinked", O_RDONLY);
  must(unlink("/bin/unlinked") == 0, "unlink");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  map_executable(path, 0);
}

static void anonymous(void) {
  static const uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3}; // mov eax, 42; ret
  void *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(memory != MAP_FAILED, "mmap");
  memcpy(memory, code, sizeof code);
  must(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
  int (*function)(void);
  memcpy(&function, &memory, sizeof function);
  must(function() == 42, "call");
}

// On overlay IMA has no violation for what follows.

static void write_after_map(void) {
  map_executable("/bin/first", 0);
  int fd = open_or_die("/bin/first", O_WRONLY);
  must(write(fd, "\177", 1) == 1, "write");
}

static void shared_store(void) {
  int fd = open_or_die("/bin/first", O_RDWR);
  uint8_t *memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  must(memory != MAP_FAILED, "mmap");
  close(fd);
  run("/bin/first");
  memory[PAGE - 1] = (uint8_t)(memory[PAGE - 1] + 1);
}

// The descriptor is opened by the ring, not by a system call of this task.
static void ring_write(void) {
  struct io_uring_params parameters = {0};
  map_executable("/bin/first", 0);
  int ring = (int)syscall(SYS_io_uring_setup, 2, &parameters);
  must(ring >= 0, "io_uring_setup");
  size_t length = parameters.sq_off.array + parameters.sq_entries * sizeof(uint32_t);
  uint8_t *queue = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *entries = mmap(NULL, parameters.sq_entries * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  must(queue != MAP_FAILED && (void *)entries != MAP_FAILED, "mmap");
  entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t) "/bin/first", .open_flags = O_WRONLY};
  memset(queue + parameters.sq_off.array, 0, sizeof(uint32_t));
  __atomic_store_n((uint32_t *)(void *)(queue + parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
  must(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1, "io_uring_enter");
  char path[64];
  struct stat first, opened;
  must(stat("/bin/first", &first) == 0, "stat");
  for (int fd = 3; fd < 16; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fstat(fd, &opened) != 0 || opened.st_ino != first.st_ino || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY) continue;
    must(write(fd, "\177", 1) == 1, "write");
    return;
  }
  must(0, "the ring opened nothing");
}

static void pages_of_pipe(void) {
  map_executable("/bin/first", 0);
  int from = open_or_die(SELF, O_RDONLY), to = open_or_die("/bin/first", O_WRONLY), ends[2];
  must(pipe(ends) == 0 && splice(from, NULL, ends[1], NULL, 16, 0) == 16 && splice(ends[0], NULL, to, NULL, 16, 0) == 16, "splice");
}

static void truncated(void) {
  map_executable("/bin/first", 0);
  must(truncate("/bin/first", 1) == 0, "truncate");
}

static pid_t stopped_child(void) {
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  must(child > 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status), "child");
  return child;
}

static void poke(void) {
  pid_t child = stopped_child();
  void *code;
  void (*function)(void) = poke;
  memcpy(&code, &function, sizeof code);
  must(ptrace(PTRACE_POKETEXT, child, code, (void *)0) == 0, "poke");
  kill(child, SIGKILL);
}

static void process_memory(void) {
  pid_t child = stopped_child();
  char path[64];
  void (*function)(void) = process_memory;
  intptr_t address;
  memcpy(&address, &function, sizeof address);
  snprintf(path, sizeof path, "/proc/%d/mem", child);
  must(pwrite(open_or_die(path, O_RDWR), "\xcc", 1, address) == 1, "write memory");
  kill(child, SIGKILL);
}

const struct trick mapping_tricks[] = {
    {"protect", protect},
    {"protect-with-key", protect_with_key},
    {"read-implies-exec", read_implies_exec},
    {"unlinked-library", unlinked_library},
    {"anonymous", anonymous},
    {"write-after-map", write_after_map},
    {"shared-store", shared_store},
    {"ring-write", ring_write},
    {"pages-of-pipe", pages_of_pipe},
    {"truncated", truncated},
    {"poke", poke},
    {"process-memory", process_memory},
    {NULL, NULL},
};
