// SPDX-License-Identifier: Apache-2.0
//
// Ways to execute a file that are not execve of its name.
#include "trick.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RACES = 10 };

static char *const NOTHING[] = {"program", "nothing", NULL};
static char *const NO_ENVIRONMENT[] = {NULL};

static void run_descriptor(int fd) {
  pid_t child = fork();
  if (child == 0) {
    syscall(SYS_execveat, fd, "", NOTHING, NO_ENVIRONMENT, AT_EMPTY_PATH);
    perror("execveat");
    _exit(1);
  }
  wait_for(child);
}

static void memory_file(void) {
  int fd = memfd_create("hidden", 0);
  must(fd >= 0, "memfd_create");
  copy(fd);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  run(path);
}

static void memory_descriptor(void) {
  int fd = memfd_create("unnamed", MFD_CLOEXEC);
  must(fd >= 0, "memfd_create");
  copy(fd);
  run_descriptor(fd);
}

static void by_descriptor(void) {
  copy_to("/bin/by-descriptor");
  run_descriptor(open_or_die("/bin/by-descriptor", O_PATH));
}

static void deleted(void) {
  copy_to("/bin/deleted");
  int fd = open_or_die("/bin/deleted", O_RDONLY);
  must(unlink("/bin/deleted") == 0, "unlink");
  run_descriptor(fd);
}

static void never_named(void) {
  int writer = open_or_die("/vol", O_TMPFILE | O_RDWR);
  char path[64];
  copy(writer);
  snprintf(path, sizeof path, "/proc/self/fd/%d", writer);
  int fd = open_or_die(path, O_RDONLY);
  close(writer);
  run_descriptor(fd);
}

static void script(void) { run("/bin/greet"); }

static void script_descriptor(void) {
  static const char text[] = "#!" SELF " nothing\n";
  int fd = memfd_create("script", 0);
  must(fd >= 0 && write(fd, text, sizeof text - 1) == sizeof text - 1, "memfd_create");
  run_descriptor(fd);
}

static void script_chain(void) {
  write_file("/bin/chain-one", "#!/bin/chain-two\n");
  write_file("/bin/chain-two", "#!" SELF " nothing\n");
  run("/bin/chain-one");
}

// The loader maps what it is given; nothing is executed but the loader.
static void own_loader(void) {
  alter_file("/bin/dynamic", "/bin/loaded-program");
  run_with((char *[]){"/lib64/ld-linux-x86-64.so.2", "/bin/loaded-program", NULL}, NO_ENVIRONMENT);
}

static void preload(void) {
  alter_file("/lib/x86_64-linux-gnu/libc.so.6", "/lib/preloaded.so");
  run_with((char *[]){"/bin/dynamic", NULL}, (char *[]){"LD_PRELOAD=/lib/preloaded.so", NULL});
}

// A library of a.out's days: one segment, mapped by the kernel where the file says.
static void old_library(void) {
  struct {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
  } file = {
      .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                 .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
                 .e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1},
      .segment = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x70000000, .p_paddr = 0x70000000,
                  .p_filesz = PAGE, .p_memsz = PAGE, .p_align = PAGE},
  };
  static const char rest[PAGE];
  int fd = open_or_die("/bin/old-library", O_WRONLY | O_CREAT);
  must(write(fd, &file, sizeof file) == sizeof file && write(fd, rest, sizeof rest) == sizeof rest, "write");
  close(fd);
  // Only 32-bit programs may, which int 0x80 makes of any: 86 is uselib there.
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(86), "b"("/bin/old-library") : "memory");
  errno = -result;
  must(result == 0, "uselib");
}

static void no_program(void) {
  write_file("/bin/no-program", "\001\002 no format that the kernel knows");
  pid_t child = fork();
  if (child == 0) {
    execve("/bin/no-program", NOTHING, NO_ENVIRONMENT);
    _exit(errno == ENOEXEC ? 0 : 1);
  }
  wait_for(child);
}

// Two contents take turns behind one listed name while it is executed.
static void name_race(void) {
  alter("/bin/altered");
  pid_t racer = fork();
  for (int i = 0; racer == 0; i++) {
    unlink("/bin/next");
    if (link(i % 2 ? "/bin/altered" : "/bin/other", "/bin/next") != 0 || rename("/bin/next", "/bin/first") != 0) _exit(1);
    sched_yield();
  }
  must(racer > 0, "fork");
  for (int i = 0; i < RACES; i++) run("/bin/first");
  must(kill(racer, SIGKILL) == 0 && waitpid(racer, NULL, 0) == racer, "kill");
  unlink("/bin/next");
  must(link("/bin/altered", "/bin/next") == 0 && rename("/bin/next", "/bin/first") == 0, "rename");
  run("/bin/first");
}

// Of an own user namespace: kernels from 6.7 on give it formats of its own.
static void own_format(void) {
  own_mounts();
  must(mount("binfmt_misc", "/mnt", "binfmt_misc", 0, NULL) == 0, "mount binfmt_misc");
  copy_to("/bin/format-interpreter");
  write_file("/bin/formatted", "MAGIC of my own\n");
  write_file("/mnt/register", ":own:M::MAGIC::/bin/format-interpreter:");
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    execve("/bin/formatted", NOTHING, NO_ENVIRONMENT);
    _exit(1);
  }
  int status;
  // Its interpreter is told of the file and of nothing else, which is no trick.
  must(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 2, "run formatted");
}

const struct trick disguise_tricks[] = {
    {"memory-file", memory_file},
    {"memory-descriptor", memory_descriptor},
    {"by-descriptor", by_descriptor},
    {"deleted", deleted},
    {"never-named", never_named},
    {"script", script},
    {"script-descriptor", script_descriptor},
    {"script-chain", script_chain},
    {"own-loader", own_loader},
    {"preload", preload},
    {"old-library", old_library},
    {"no-program", no_program},
    {"name-race", name_race},
    {"own-format", own_format},
    {NULL, NULL},
};
