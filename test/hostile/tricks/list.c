// SPDX-License-Identifier: Apache-2.0
//
// Entries of the host's list that do not fit what was executed, or that look like somebody else's.
#include "trick.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// Owner whose files the node's IMA policy measures when they are read.
#define CODE_UID 1900000001

enum { VIOLATIONS = 300, NEW_FILES = 40, MEMORY_NAMES = 1000 };

static void direct(void) { map_executable("/bin/direct", O_DIRECT); }

static void shared_memory(void) {
  int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
  must(id >= 0, "shmget");
  must(shmat(id, NULL, SHM_EXEC) != (void *)-1, "shmat");
}

static void held_writer(void) {
  copy_to("/vol/held");
  open_or_die("/vol/held", O_WRONLY);
  map_executable("/vol/held", 0);
}

static void write_mapped(void) {
  copy_to("/vol/mapped");
  map_executable("/vol/mapped", 0);
  open_or_die("/vol/mapped", O_WRONLY);
}

static void second_map(void) {
  int writer = open_or_die("/bin/second", O_RDWR);
  map_executable("/bin/second", 0);
  append(writer);
  map_executable("/bin/second", 0);
}

static void upper_write(void) {
  own_mounts();
  make_folder("/vol/low");
  make_folder("/vol/up");
  make_folder("/vol/work");
  copy_to("/vol/low/layered");
  must(mount("overlay", "/mnt", "overlay", 0, "lowerdir=/vol/low,upperdir=/vol/up,workdir=/vol/work,userxattr") == 0,
       "mount overlay");
  must(chmod("/mnt/layered", 0700) == 0, "copy up");
  run("/mnt/layered");
  int upper = open_or_die("/vol/up/layered", O_RDWR);
  append(upper);
  close(upper);
  run("/mnt/layered");
}

static void code_owner(void) {
  const char *program = "/usr/lib/nsattest/monitor.cjs";
  char byte;
  make_folder("/usr");
  make_folder("/usr/lib");
  make_folder("/usr/lib/nsattest");
  int fd = open_or_die(program, O_WRONLY | O_CREAT);
  must(write(fd, "// mine\n", 8) == 8 && close(fd) == 0, "write");
  must(chown(program, CODE_UID, CODE_UID) == 0, "chown");
  must(read(open_or_die(program, O_RDONLY), &byte, 1) == 1, "read");
}

static void own_key(void) {
  static char certificate[PAGE];
  ssize_t length = read(open_or_die("/vol/certificate.der", O_RDONLY), certificate, sizeof certificate);
  must(length > 0, "read the certificate");
  must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "own") > 0, "join a keyring");
  must(syscall(SYS_add_key, "asymmetric", "key", certificate, (size_t)length, KEY_SPEC_SESSION_KEYRING) > 0, "add_key");
}

static void violations(void) {
  copy_to("/vol/violated");
  map_executable("/vol/violated", 0);
  for (int i = 0; i < VIOLATIONS; i++) close(open_or_die("/vol/violated", O_WRONLY));
}

// Each a content of its own: an entry, and an extend of the TPM.
static void new_files(void) {
  copy_to("/bin/new-file");
  for (int i = 0; i < NEW_FILES; i++) {
    run("/bin/new-file");
    int fd = open_or_die("/bin/new-file", O_WRONLY);
    append(fd);
    close(fd);
  }
}

// Ever new names of executable memory, which cost neither IMA nor the TPM anything: only the events do.
static void memory_names(void) {
  char name[240];
  memset(name, 'n', sizeof name);
  for (unsigned i = 0; i < MEMORY_NAMES; i++) {
    snprintf(name + 200, sizeof name - 200, "%u", i);
    int fd = memfd_create(name, 0);
    must(fd >= 0 && ftruncate(fd, PAGE) == 0, "memfd_create");
    void *memory = map(fd, PROT_READ);
    must(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) == 0, "mprotect");
    munmap(memory, PAGE);
    close(fd);
  }
}

// Somebody else maps this file executable as its library.
static void foreign_library(void) { open_or_die("/vol/library", O_WRONLY); }

// A digest that the container claims itself, where IMA keeps what it appraises.
static void claimed_digest(void) {
  static const char claim[34] = {4, 4};
  copy_to("/bin/first");
  must(setxattr("/bin/first", "security.ima", claim, sizeof claim, 0) == -1 && errno == EPERM, "setxattr");
}

const struct trick list_tricks[] = {
    {"claimed-digest", claimed_digest},
    {"direct", direct},
    {"shared-memory", shared_memory},
    {"held-writer", held_writer},
    {"write-mapped", write_mapped},
    {"second-map", second_map},
    {"upper-write", upper_write},
    {"code-owner", code_owner},
    {"own-key", own_key},
    {"violations", violations},
    {"new-files", new_files},
    {"memory-names", memory_names},
    {"foreign-library", foreign_library},
    {NULL, NULL},
};
