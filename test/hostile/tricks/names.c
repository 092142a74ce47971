// SPDX-License-Identifier: Apache-2.0
//
// Names: of files that are executed, and of what they are taken for.
#include "trick.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void copy_and_run(const char *path) {
  copy_to(path);
  run(path);
}

static void chroot_space(void) {
  make_folder("/jail");
  make_folder("/jail/bin");
  copy_to("/jail/bin/host tool");
  must(chroot("/jail") == 0, "chroot");
  run("/bin/host tool");
}

// A path of `folders` folders of 200 characters each below the root.
static void deep_path(int folders) {
  char name[201];
  memset(name, 'd', 200);
  name[200] = 0;
  must(chdir("/") == 0, "chdir");
  for (int i = 0; i < folders; i++) {
    make_folder(name);
    must(chdir(name) == 0, "chdir");
  }
  copy_and_run("./deep");
}

static void long_path(void) { deep_path(2); }
static void longest_path(void) { deep_path(25); }

static void run_detached(const char *name) {
  own_mounts();
  must(chdir("/mnt") == 0, "chdir");
  copy_to(name);
  must(umount2("/mnt", MNT_DETACH) == 0, "umount");
  char path[64];
  snprintf(path, sizeof path, "./%s", name);
  run(path);
}

static void detached(void) { run_detached("detached-bin"); }
static void boot_aggregate(void) { run_detached("boot_aggregate"); }

static void renamed(void) {
  run("/bin/first");
  must(rename("/bin/first", "/bin/renamed") == 0, "rename");
  run("/bin/renamed");
}

static void newline(void) { copy_and_run("/bin/new\nline"); }
static void escape(void) { copy_and_run("/bin/\033[2K\r\"x"); }
static void no_text(void) { copy_and_run("/bin/no-\xff\xfe-text"); }
static void deleted_suffix(void) { copy_and_run("/bin/first (deleted)"); }

static void host_program(void) {
  make_folder("/usr");
  make_folder("/usr/lib");
  make_folder("/usr/lib/nsattest");
  copy_and_run("/usr/lib/nsattest/monitor.cjs");
}

// The names below are listed; the content is not.

static void chroot_listed(void) {
  make_folder("/jail");
  make_folder("/jail/bin");
  alter("/jail/bin/first");
  must(chroot("/jail") == 0, "chroot");
  run("/bin/first");
}

static void pivot_listed(void) {
  own_mounts();
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount private");
  make_folder("/mnt/bin");
  make_folder("/mnt/old");
  alter("/mnt/bin/first");
  must(syscall(SYS_pivot_root, "/mnt", "/mnt/old") == 0 && chdir("/") == 0, "pivot_root");
  run("/bin/first");
}

static void bound_listed(void) {
  own_mounts();
  alter("/mnt/first");
  must(mount("/mnt/first", "/bin/first", NULL, MS_BIND, NULL) == 0, "bind");
  run("/bin/first");
}

static void linked_listed(void) {
  alter("/bin/altered");
  must(unlink("/bin/first") == 0 && link("/bin/altered", "/bin/first") == 0, "link");
  run("/bin/first");
}

static void swapped_listed(void) {
  must(rename("/bin/first", "/bin/away") == 0 && rename("/bin/other", "/bin/first") == 0, "rename");
  run("/bin/first");
}

const struct trick name_tricks[] = {
    {"chroot-space", chroot_space},
    {"long-path", long_path},
    {"longest-path", longest_path},
    {"detached", detached},
    {"boot-aggregate", boot_aggregate},
    {"renamed", renamed},
    {"newline", newline},
    {"escape", escape},
    {"no-text", no_text},
    {"deleted-suffix", deleted_suffix},
    {"host-program", host_program},
    {"chroot-listed", chroot_listed},
    {"pivot-listed", pivot_listed},
    {"bound-listed", bound_listed},
    {"linked-listed", linked_listed},
    {"swapped-listed", swapped_listed},
    {NULL, NULL},
};
